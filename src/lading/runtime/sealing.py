"""An interpreter whose file no container can write to (CVE-2019-5736).

A process that enters a container shows its program there as /proc/PID/exe, and whoever may trace
it can reopen that for writing once nobody runs it any more. So the interpreter is started again
from an overlay without an upper layer, which has nothing to write to, on a mount that only we hold.
"""

from __future__ import annotations

import errno
import os
import sys

from lading.kernel import mount

MARK = "lading_sealed"
# no right to mount or (by a security module) to execute from there; no overlay, or too many of them
CANNOT = (errno.EPERM, errno.EACCES, errno.ENODEV, errno.EINVAL, errno.ENOSYS)


def is_sealed() -> bool:
    return MARK in sys._xoptions


def seal() -> None:
    """Go on, sealed: does not return but in a sealed interpreter, or where it cannot be.

    A plain user has no right to make the mount, and no container of such a user has any to write
    to the interpreter.
    """
    if is_sealed() or os.geteuid() != 0:
        return
    try:
        program = open_sealed(os.path.realpath(sys.executable))
        arguments = [sys.executable, "-X", MARK, *sys.orig_argv[1:]]
        os.execve(program, arguments, os.environ)
    except OSError as error:
        if error.errno not in CANNOT:
            raise


def open_sealed(path: str) -> int:
    """The file in a read-only overlay of its directory, to be executed."""
    directory, name = os.path.split(path)
    empty = mount.detached("tmpfs", {"nr_inodes": "1"})  # one layer alone is no overlay
    context = mount.fsopen("overlay")
    try:
        layers = f"{_escape(directory)}:/proc/self/fd/{empty}"
        mount.fsconfig_set_string(context, "lowerdir", layers)
        mount.fsconfig_create(context)
        tree = mount.fsmount(context, mount.MOUNT_ATTR_RDONLY | mount.MOUNT_ATTR_NOSUID)
    finally:
        os.close(context)
        os.close(empty)
    try:
        return os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=tree)
    finally:
        os.close(tree)


def _escape(path: str) -> str:
    """Of what separates layers. Documentation/filesystems/overlayfs.rst."""
    return path.replace("\\", "\\\\").replace(":", "\\:")
