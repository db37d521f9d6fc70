"""Landlock: a fence that a process builds around itself and its children, man 7 landlock.

Whatever is not allowed below some path is refused, on top of all other rules, whoever the user is.
`access` of a rule is letters: r read files and list directories, w change and make, x execute.
The kernel tells its version (ABI); what it does not know yet is left out of the handled rights, so
the fence is as high as this kernel can build it.
"""

from __future__ import annotations

import os
import struct

from lading.errors import InvalidArgument, NotSupported
from lading.kernel.c_types import c_char_p, c_int, c_size_t, c_uint
from lading.kernel.syscall import function

# include/uapi/linux/landlock.h
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
LANDLOCK_RULE_NET_PORT = 2
EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REFER = 1 << 13  # ABI 2
TRUNCATE = 1 << 14  # ABI 3
IOCTL_DEV = 1 << 15  # ABI 5
_MAKE_AND_REMOVE = 0b1111111110000  # REMOVE_DIR .. MAKE_SYM, bits 4 to 12
BIND_TCP = 1 << 0  # ABI 4
CONNECT_TCP = 1 << 1
SCOPES = 0b11  # abstract unix sockets, signals; ABI 6

_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # what a rule on a file has
_LETTERS = {
    "r": READ_FILE | READ_DIR,
    "w": WRITE_FILE | TRUNCATE | IOCTL_DEV | _MAKE_AND_REMOVE | REFER,
    "x": EXECUTE,
}
_ruleset_attr = struct.Struct("QQQ")  # handled_access_fs, handled_access_net, scoped
_path_beneath = struct.Struct("=Qi")  # allowed_access, parent_fd (packed)
_net_port = struct.Struct("QQ")  # allowed_access, port
_create_ruleset = function("landlock_create_ruleset", c_char_p, c_size_t, c_uint)
_add_rule = function("landlock_add_rule", c_int, c_int, c_char_p, c_uint)
_restrict_self = function("landlock_restrict_self", c_int, c_uint)


class NoLandlock(NotSupported):
    """landlock is not supported by this kernel"""


class BadAccess(InvalidArgument):
    """invalid landlock access {0!r}: letters of "rwx" are allowed"""


def abi() -> int:
    """The version that the kernel speaks, 0 for none."""
    try:
        return _create_ruleset(None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    except OSError:  # ENOSYS, or EOPNOTSUPP when it is switched off at boot
        return 0


def handled_rights(version: int) -> int:
    """All rights on files that a kernel of this ABI can refuse."""
    rights = EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | _MAKE_AND_REMOVE
    for needed, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)):
        rights |= right if version >= needed else 0
    return rights


def rights_of(access: str) -> int:
    """The rights that letters stand for. Raises BadAccess."""
    if not access or access.strip("rwx"):
        raise BadAccess(access)
    rights = 0
    for letter in access:
        rights |= _LETTERS[letter]
    return rights


class Fence:
    """A ruleset that is being filled; `restrict_self` closes it around this thread."""

    __slots__ = ("_descriptor", "_handled", "_version")

    def __init__(self, *, ports: bool = False) -> None:
        """With `ports`, TCP is refused but for the ports that are added. Raises NoLandlock."""
        self._version = abi()
        if not self._version:
            raise NoLandlock()
        self._handled = handled_rights(self._version)
        network = BIND_TCP | CONNECT_TCP if ports and self._version >= 4 else 0
        attr = _ruleset_attr.pack(self._handled, network, SCOPES if self._version >= 6 else 0)
        size = 8 if self._version < 4 else 16 if self._version < 6 else 24
        self._descriptor = _create_ruleset(attr[:size], size, 0)

    def allow(self, descriptor: int, access: str, *, is_directory: bool) -> None:
        """What is at the descriptor (O_PATH) and below may be accessed so."""
        rights = rights_of(access) & self._handled & (-1 if is_directory else _FILE_RIGHTS)
        rule = _path_beneath.pack(rights, descriptor)
        _add_rule(self._descriptor, LANDLOCK_RULE_PATH_BENEATH, rule, 0)

    def allow_port(self, port: int, *, bind: bool, connect: bool) -> None:
        """A TCP port to listen on, or to connect to."""
        if self._version >= 4:
            rights = (BIND_TCP if bind else 0) | (CONNECT_TCP if connect else 0)
            rule = _net_port.pack(rights, port)
            _add_rule(self._descriptor, LANDLOCK_RULE_NET_PORT, rule, 0)

    def restrict_self(self) -> None:
        """From here on. Needs no_new_privs, or CAP_SYS_ADMIN in the user namespace."""
        _restrict_self(self._descriptor, 0)
        os.close(self._descriptor)
