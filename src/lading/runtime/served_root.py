"""A root that a process serves: fuse-overlayfs, where the kernel's own overlayfs is refused.

The mount is made detached, and attached by whoever needs it; then the life of the server is the
life of the mount: it ends when the last mount namespace that has it ends. For a container it is a
child of the keeper, as init is, outside of the container's namespaces and cgroup (a frozen
container must not freeze its own file system), and the kernel kills it should the keeper die first
(PR_SET_PDEATHSIG). Nothing of this is loaded for other containers.

    starter --clone3--> server --execve--> fuse-overlayfs       served by: /dev/fuse
       keeps the detached mount --descriptor--> init attaches it as the container's root

Writes are not gathered in the page cache (writeback=0): what a program wrote is in the upper
directory, where `commit` and `cp` look for it, even if the server is killed.
"""

from __future__ import annotations

import errno
import fcntl
import os

from lading.failpoints import fp
from lading.kernel import capabilities, fuse, namespaces, process
from lading.runtime.operations.step import StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from lading.runtime.spec import Overlay

SIGKILL = 9
PROGRAM = "fuse-overlayfs"
RUN = "LADING_RUN"  # in a server's environment
DEVICE = 3  # the number of the descriptor that the server reads
LAST_WORDS = 4096  # bytes of what a server says that are kept
F_ADD_SEALS, F_SEAL_GROW = 1033, 0x0004  # include/uapi/linux/fcntl.h
# what changing files of any owner takes, as root of the namespace that we are in; trusted.* is
# CAP_SYS_ADMIN's, and the marks of an image's layers are such attributes
RIGHTS = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
          "CAP_MKNOD", "CAP_SETFCAP", "CAP_SYS_ADMIN")  # fmt: skip


def make(overlay: Overlay, run: int) -> tuple[int, int]:
    """Start the server as a sibling of ours; returns the detached root and a pidfd of the server.
    `run`: the container's run directory, by whose path the audit knows whose server it is.

    Only for a process with one thread. Raises StepFailed with what the server said.
    """
    try:
        device = fuse.open_device()
    except OSError as error:
        text = f"open {fuse.DEVICE}: {(error.strerror or str(error)).lower()}"
        raise StepFailed(text, error.errno or 0) from error
    said = _bounded_file()
    try:
        tree = fuse.mount(device, PROGRAM)
        try:
            parent, name = os.getppid(), os.readlink(f"/proc/self/fd/{run}")
            pid, pidfd = namespaces.clone3(namespaces.CLONE_PARENT)
            if pid == 0:
                _serve(overlay, device, said, parent, name)
            fp("starter.server_cloned")
            os.close(device)
            device = -1
            _wait_ready(tree, said)
        except BaseException:
            os.close(tree)  # and with it the server ends
            raise
    finally:
        os.close(said)
        if device >= 0:
            os.close(device)
    return tree, pidfd


def command(overlay: Overlay, device: int) -> tuple[str, list[str]]:
    """The directory to start in, and the words. Paths are relative to that directory: they are
    keys and numbers then, with nothing in them that separates options or layers.
    """
    upper, work = overlay.get("upper"), overlay.get("work")
    place = os.path.commonpath([*overlay["lower"], *([upper, work] if upper and work else [])])
    lower = ":".join(os.path.relpath(layer, place) for layer in overlay["lower"])
    options = f"lowerdir={lower},writeback=0"
    if upper and work:
        options += f",upperdir={os.path.relpath(upper, place)}"
        options += f",workdir={os.path.relpath(work, place)}"
    words = [overlay.get("server") or PROGRAM, "-f", "-o", options, f"/dev/fd/{device}"]
    return place, words


def _serve(overlay: Overlay, device: int, said: int, parent: int, run: str) -> NoReturn:
    try:
        process.prctl(process.PR_SET_PDEATHSIG, SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the keeper died before it could be waited for
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.dup2(device, DEVICE)
        os.set_inheritable(DEVICE, True)  # dup2 did not, if that was its number already
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        process.close_range(DEVICE + 1)
        place, words = command(overlay, DEVICE)
        os.chdir(place)
        os.umask(0)
        process.default_signals()
        process.prctl(process.PR_SET_NO_NEW_PRIVS, 1)
        mask = capabilities.to_mask(RIGHTS) & capabilities.to_mask(capabilities.available())
        capabilities.drop_bounding(mask)
        os.execve(words[0], words, {RUN: run})
    except OSError as error:
        os.write(2, f"{error.filename or ''}: {error.strerror}".strip(": ").encode())
    finally:
        os._exit(127)


def servers(exec_root: str) -> dict[int, str]:
    """Those that serve containers of an engine: pid, and the id of the container."""
    found = {}
    wanted = f"{RUN}={exec_root}/containers/".encode()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/comm", encoding="ascii", errors="replace") as file:
                if file.read().strip() != PROGRAM:
                    continue
            with open(f"/proc/{name}/environ", "rb") as file:
                word = file.read().rstrip(b"\0")
        except OSError:  # it has ended
            continue
        if word.startswith(wanted):
            found[int(name)] = os.fsdecode(word).rpartition("/")[2]
    return found


def _bounded_file() -> int:
    """A file in memory for what the server says: nobody reads it later, so it must not grow."""
    said = os.memfd_create("said", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(said, LAST_WORDS)
    fcntl.fcntl(said, F_ADD_SEALS, F_SEAL_GROW)
    return said


def _wait_ready(tree: int, said: int) -> None:
    """The first question is answered when the server is ready, or refused when it has ended."""
    try:
        os.stat(".", dir_fd=tree)
    except OSError as error:
        text = os.pread(said, LAST_WORDS, 0).rstrip(b"\0").decode(errors="replace").strip()
        reason = text.splitlines()[-1] if text else (error.strerror or str(error)).lower()
        raise StepFailed(f"mount fuse-overlayfs: {reason}", error.errno or errno.EIO) from error
