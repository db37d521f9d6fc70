"""Namespaces: clone3, unshare, setns and the CLONE_ flags, man 7 namespaces.

`clone3` comes back twice, as fork does. The child has a copy of the interpreter; unlike `os.fork`
no at-fork handler runs, so only a single-threaded process may call it.
"""

from __future__ import annotations

import fcntl
import os
import struct

from lading.kernel import c_types
from lading.kernel.c_types import c_char_p, c_int, c_size_t
from lading.kernel.syscall import function, libc_function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# include/uapi/linux/sched.h
CLONE_VM = 0x00000100
CLONE_FS = 0x00000200
CLONE_PIDFD = 0x00001000
CLONE_VFORK = 0x00004000
CLONE_PARENT = 0x00008000
CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_CLEAR_SIGHAND = 0x100000000
CLONE_INTO_CGROUP = 0x200000000

# by the names of the OCI runtime spec; user and time, which few containers have, are in ALL_FLAGS
FLAGS = {
    "mount": CLONE_NEWNS,
    "pid": CLONE_NEWPID,
    "network": CLONE_NEWNET,
    "ipc": CLONE_NEWIPC,
    "uts": CLONE_NEWUTS,
    "cgroup": CLONE_NEWCGROUP,
}
ALL_FLAGS = {**FLAGS, "user": CLONE_NEWUSER, "time": CLONE_NEWTIME}
SIGCHLD = 17
PIDFD_GET_MNT_NAMESPACE = 0xFF03  # _IO(0xFF, 3), include/uapi/linux/pidfd.h, since 6.11

# struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
# set_tid, set_tid_size, cgroup
_clone_args = struct.Struct("11Q")
_clone3 = function("clone3", c_char_p, c_size_t)
_unshare = libc_function("unshare", c_int)
_setns = libc_function("setns", c_int, c_int)


def clone3(flags: int, *, cgroup: int | None = None) -> tuple[int, int]:
    """Make a child; returns (pid, pidfd), in the child (0, -1). man 2 clone3.

    With `cgroup`, a descriptor of a v2 directory, the child is born in it (since Linux 5.7).
    """
    pidfd = c_int(-1)
    flags |= CLONE_PIDFD
    if cgroup is not None:
        flags |= CLONE_INTO_CGROUP
    address = c_types.addressof(pidfd)
    # a sibling is reaped by our parent and signals it as we do: it may not say otherwise
    exit_signal = 0 if flags & CLONE_PARENT else SIGCHLD
    arguments = _clone_args.pack(
        flags, address, 0, 0, exit_signal, 0, 0, 0, 0, 0, 0 if cgroup is None else cgroup
    )
    pid = _clone3(arguments, _clone_args.size)
    return (pid, pidfd.value) if pid else (0, -1)


def unshare(flags: int) -> None:
    """Move this process to new namespaces. man 2 unshare."""
    _unshare(flags)


def setns(descriptor: int, flags: int = 0) -> None:
    """Join a namespace (a descriptor of it), or several of a process (a pidfd). man 2 setns."""
    _setns(descriptor, flags)


def in_user_namespace() -> bool:
    """Whether we are in another user namespace than the first, so root is not the host's root.

    man 7 user_namespaces: the first one maps every id to itself.
    """
    descriptor = os.open("/proc/self/uid_map", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096).split() != [b"0", b"0", b"4294967295"]
    finally:
        os.close(descriptor)


def set_time_offsets(offsets: Mapping[str, Mapping[str, int]]) -> None:
    """Clocks of a new time namespace: {"boottime": {"secs": 1, "nanosecs": 0}, "monotonic": ...}.

    Only before the first process is in it. man 7 time_namespaces.
    """
    lines = [
        f"{clock} {offset.get('secs', 0)} {offset.get('nanosecs', 0)}\n"
        for clock, offset in offsets.items()
    ]
    if lines:
        descriptor = os.open("/proc/self/timens_offsets", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, "".join(lines).encode())
        finally:
            os.close(descriptor)


def mount_namespace_of(pidfd: int, pid: int) -> int:
    """A descriptor that keeps the mount namespace of a child of ours alive."""
    try:
        return fcntl.ioctl(pidfd, PIDFD_GET_MNT_NAMESPACE, 0)
    except OSError:  # before Linux 6.11
        return os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
