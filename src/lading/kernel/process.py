"""What a process says about itself: prctl, credentials, limits, descriptors, host name."""

import os
import struct

from lading.kernel.c_types import c_char_p, c_int, c_size_t, c_uint, c_ulong
from lading.kernel.syscall import function, libc_function

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4

CLOSE_RANGE_CLOEXEC = 4
LAST_DESCRIPTOR = 0xFFFFFFFF
KEYCTL_JOIN_SESSION_KEYRING = 1  # include/uapi/linux/keyctl.h
_LINUX_CAPABILITY_VERSION_3 = 0x20080522  # include/uapi/linux/capability.h

_prctl = libc_function("prctl", c_int, c_ulong, c_ulong, c_ulong, c_ulong)
_close_range = function("close_range", c_uint, c_uint, c_uint)
_capset = function("capset", c_char_p, c_char_p)
_keyctl = function("keyctl", c_int, c_char_p)
_sethostname = libc_function("sethostname", c_char_p, c_ulong)
_setdomainname = libc_function("setdomainname", c_char_p, c_ulong)
_setfsuid = libc_function("setfsuid", c_uint)
_setfsgid = libc_function("setfsgid", c_uint)
_rt_sigaction = function("rt_sigaction", c_int, c_char_p, c_char_p, c_size_t)
_SIG_DFL = bytes(32)  # struct sigaction: handler, flags, restorer, mask
_header = struct.pack("Ii", _LINUX_CAPABILITY_VERSION_3, 0)
_sets = struct.Struct("6I")  # effective, permitted, inheritable: low words, then high words


def prctl(option: int, second: int = 0, third: int = 0) -> int:
    """man 2 prctl; the fourth and fifth argument are zero."""
    return _prctl(option, second, third, 0, 0)


def close_range(first: int, last: int = LAST_DESCRIPTOR, flags: int = 0) -> None:
    """Close, or with CLOSE_RANGE_CLOEXEC mark, all descriptors first..last. man 2 close_range."""
    _close_range(first, last, flags)


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Set the capability sets of this thread; each is a mask, bit n for capability n."""
    low = (effective & 0xFFFFFFFF, permitted & 0xFFFFFFFF, inheritable & 0xFFFFFFFF)
    _capset(_header, _sets.pack(*low, effective >> 32, permitted >> 32, inheritable >> 32))


def set_ids(uid: int, gid: int, groups: list[int] | None) -> None:
    """Become a user: groups first, while we still may, then gid, then uid. All three ids each.

    `None` leaves the groups, as it must be where /proc/self/setgroups says deny.
    """
    if groups is not None:
        os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def set_fs_ids(uid: int, gid: int) -> None:
    """Make files as somebody else, this thread alone; the effective set loses what is for files.

    man 2 setfsuid: neither call can say that it failed.
    """
    _setfsgid(gid)
    _setfsuid(uid)


def sethostname(name: str) -> None:
    encoded = name.encode()
    _sethostname(encoded, len(encoded))


def setdomainname(name: str) -> None:
    encoded = name.encode()
    _setdomainname(encoded, len(encoded))


def join_session_keyring(name: str) -> int:
    """A session keyring of our own, so that the caller's keys are out of reach. man 2 keyctl."""
    return _keyctl(KEYCTL_JOIN_SESSION_KEYRING, name.encode())


def default_signals() -> None:
    """Set every signal to its default, those too that a caller ignored and that the C library
    keeps for itself: what is ignored now would be ignored in every container.
    """
    for number in range(1, 65):
        if number not in (9, 19):  # SIGKILL and SIGSTOP have no other
            default_signal(number)


def default_signal(number: int) -> None:
    """One signal to its default, without a look at what Python thinks of it."""
    _rt_sigaction(number, _SIG_DFL, None, 8)
