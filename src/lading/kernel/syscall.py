"""Plumbing for system calls that Python does not wrap: prototypes, numbers, errno.

`PyDLL` keeps the interpreter lock during the call, which is what a single-threaded process wants
(and what `clone3` needs: the child must come back holding it). Prototypes are made once, at import;
a call then costs about a microsecond. Nothing here may be named after a facility: those live in
their own files and call `function(...)` once per system call.
"""

from __future__ import annotations

import os

from lading.errors import NotSupported
from lading.kernel import c_types

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from _ctypes import _Pointer, _SimpleCData
    from collections.abc import Callable
    from typing import Any

    CType = type[_SimpleCData[Any]] | type[_Pointer[Any]]

_libc = c_types.PyDLL(None, use_errno=True)
_machine = os.uname().machine

# arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h: from 424 on, the
# numbers are the same on every architecture; below that they are the architecture's own.
_OLD_NUMBERS = {
    "x86_64": {
        "capget": 125, "capset": 126, "pivot_root": 155, "keyctl": 250, "seccomp": 317,
        "bpf": 321, "rt_sigaction": 13, "sched_setattr": 314, "ioprio_set": 251,
        "personality": 135, "set_mempolicy": 238,
    },
    "aarch64": {
        "capget": 90, "capset": 91, "pivot_root": 41, "keyctl": 219, "seccomp": 277,
        "bpf": 280, "rt_sigaction": 134, "sched_setattr": 274, "ioprio_set": 30,
        "personality": 92, "set_mempolicy": 237,
    },
}  # fmt: skip
_COMMON_NUMBERS = {
    "pidfd_send_signal": 424, "open_tree": 428, "move_mount": 429, "fsopen": 430,
    "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_open": 434, "clone3": 435,
    "close_range": 436, "openat2": 437, "pidfd_getfd": 438, "mount_setattr": 442,
    "quotactl_fd": 443,
    "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446,
}  # fmt: skip


class UnknownMachine(NotSupported):
    """no system call numbers for this machine: {0}"""


def number(name: str) -> int:
    """The number of a system call on this machine. Raises UnknownMachine."""
    if name in _COMMON_NUMBERS:
        return _COMMON_NUMBERS[name]
    if _machine not in _OLD_NUMBERS:
        raise UnknownMachine(_machine)
    return _OLD_NUMBERS[_machine][name]


def check(result: int, name: str) -> int:
    """Pass a result on, or raise the OSError that errno describes, with the call's name in it."""
    if result < 0:
        code = c_types.get_errno()
        raise OSError(code, os.strerror(code), name)
    return result


def function(name: str, *argument_types: CType) -> Callable[..., int]:
    """A checked callable for the system call `name`; arguments are converted by ctypes types."""
    pointer = _libc["syscall"]  # indexing makes a new pointer: each has its own prototype
    pointer.restype = c_types.c_long
    pointer.argtypes = (c_types.c_long, *argument_types)
    where = number(name)

    def call(*arguments: object) -> int:
        result: int = pointer(where, *arguments)
        if result < 0:
            check(result, name)
        return result

    return call


def libc_function(name: str, *argument_types: CType) -> Callable[..., int]:
    """The same for a call that the C library wraps under its own name (mount, setns, prctl)."""
    pointer = _libc[name]
    pointer.restype = c_types.c_int
    pointer.argtypes = argument_types

    def call(*arguments: object) -> int:
        result: int = pointer(*arguments)
        if result < 0:
            check(result, name)
        return result

    return call
