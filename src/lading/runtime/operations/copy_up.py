"""tmpcopyup: a tmpfs that begins with what the image has at its place."""

from __future__ import annotations

import os
import stat

from lading.kernel import safepath
from lading.runtime.operations.mounts import MountFilesystem, attach, is_strict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child

PIECE = 1 << 20


class MountCopiedUp(MountFilesystem):
    """Filled while it is detached; both sides are walked by descriptors, no link is followed."""

    __slots__ = ()

    def execute(self, child: Child) -> None:
        tree = self.make()
        flags = os.O_RDONLY | os.O_DIRECTORY
        try:
            symlinks = not is_strict(self.destination)
            source = safepath.open_in_root(child.root, self.destination, flags, symlinks=symlinks)
        except FileNotFoundError:
            source = -1
        if source >= 0:
            target = os.open(".", flags | os.O_CLOEXEC, dir_fd=tree)
            copy_tree(source, target)
            os.close(target)
            os.close(source)
        attach(child, tree, self.destination)


def copy_tree(source: int, target: int) -> None:
    """Copy what is below one directory into another, with owners, modes and times."""
    for name in os.listdir(source):
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below, copy = os.open(name, flags, dir_fd=source), os.open(name, flags, dir_fd=target)
            copy_tree(below, copy)
            os.close(below)
            os.close(copy)
        elif stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        elif stat.S_ISREG(status.st_mode):
            _copy_file(source, target, name)
        else:
            os.mknod(name, status.st_mode, status.st_rdev, dir_fd=target)
        _copy_status(target, name, status)
    _copy_status(target, ".", os.fstat(source))


def _copy_file(source: int, target: int, name: str) -> None:
    reading = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    writing = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    original = os.open(name, reading, dir_fd=source)
    copy = os.open(name, writing, 0o600, dir_fd=target)
    while piece := os.read(original, PIECE):
        os.write(copy, piece)
    os.close(original)
    os.close(copy)


def _copy_status(directory: int, name: str, status: os.stat_result) -> None:
    os.chown(name, status.st_uid, status.st_gid, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=directory)
    times = (status.st_atime_ns, status.st_mtime_ns)
    os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)
