"""User and group ids of user namespaces: man 7 user_namespaces, and mounts that show ids otherwise.

A mapping is (inside, outside, count). For an id-mapped mount (man 2 mount_setattr) the kernel takes
it from a user namespace, which needs no process of its own: one is made, read and ended.
"""

from __future__ import annotations

import errno
import os

from lading.errors import NotSupported
from lading.kernel import namespaces, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    Mapping = tuple[int, int, int]

SIGKILL = 9


class NoHelper(NotSupported):
    """cannot write {0}: not root, and {1} is not installed (package uidmap)"""


def encode(mappings: list[Mapping]) -> bytes:
    """As /proc/PID/uid_map wants it: all lines in one write."""
    return "".join(f"{inside} {outside} {count}\n" for inside, outside, count in mappings).encode()


def write_maps(pid: int, uids: list[Mapping], gids: list[Mapping]) -> bool:
    """Give the user namespace of a child its ids; whether its processes may call setgroups.

    Without privileges one id can be mapped, our own; for more there are the set-user-id programs
    newuidmap and newgidmap, man 5 subuid. Raises OSError, NoHelper.
    """
    if os.geteuid() != 0 and not _is_own(gids, os.getegid()):
        _help("newgidmap", pid, gids)
        _write_map("newuidmap", pid, "uid_map", uids, os.geteuid())
        return True
    may_set_groups = os.geteuid() == 0
    if not may_set_groups:
        _write(pid, "setgroups", b"deny")
    _write(pid, "gid_map", encode(gids))
    _write_map("newuidmap", pid, "uid_map", uids, os.geteuid())
    return may_set_groups


def _is_own(mappings: list[Mapping], own: int) -> bool:
    return len(mappings) == 1 and mappings[0][1:] == (own, 1)


def _write_map(helper: str, pid: int, file: str, mappings: list[Mapping], own: int) -> None:
    if os.geteuid() == 0 or _is_own(mappings, own):
        _write(pid, file, encode(mappings))
    else:
        _help(helper, pid, mappings)


def _write(pid: int, file: str, content: bytes) -> None:
    descriptor = os.open(f"/proc/{pid}/{file}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def _help(program: str, pid: int, mappings: list[Mapping]) -> None:
    path = f"/usr/bin/{program}"
    if not os.access(path, os.X_OK):
        raise NoHelper(f"/proc/{pid}/{program[3:6]}_map", program)
    numbers = [str(number) for mapping in mappings for number in mapping]
    if os.spawnv(os.P_WAIT, path, [program, str(pid), *numbers]) != 0:
        raise OSError(errno.EPERM, f"{program} refused {numbers}", path)


def user_namespace(uids: list[Mapping], gids: list[Mapping]) -> int:
    """A descriptor of a new user namespace with these ids, empty of processes."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    pid, pidfd = namespaces.clone3(namespaces.CLONE_NEWUSER)
    if pid == 0:
        os.close(theirs)
        process.prctl(process.PR_SET_PDEATHSIG, SIGKILL)
        os.read(ours, 1)  # until the parent has what it wants, or is gone
        os._exit(0)
    try:
        write_maps(pid, uids, gids)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ours)
        os.close(theirs)
        os.waitpid(pid, 0)
        os.close(pidfd)
