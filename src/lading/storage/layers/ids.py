"""Owners as a container sees them: an archive of a running container in a user namespace.

From outside its files belong to ids of the host, in their status as well as in what the kernel
rewrites of their attributes: the entries of access control lists (man 5 acl,
include/uapi/linux/posix_acl_xattr.h), and whose root file capabilities are (man 7 capabilities,
"Namespaced file capabilities").
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from lading.storage.layers.tar_entry import TarEntry

_ACLS = (b"system.posix_acl_access", b"system.posix_acl_default")
_CAPABILITY = b"security.capability"
_USER, _GROUP = 0x02, 0x08  # ACL_USER, ACL_GROUP: the entries that name somebody
_ENTRY = struct.Struct("<HHI")  # tag, permissions, id
_VERSION_2, _VERSION_3, _FLAGS = 0x02000000, 0x03000000, 0x00FFFFFF  # linux/capability.h
_SIZE_2, _SIZE_3 = 20, 24


class Ids(NamedTuple):
    """How ids are translated, in one direction."""

    uid: Callable[[int], int]
    gid: Callable[[int], int]

    def apply(self, entry: TarEntry) -> None:
        """Owner and attributes of a member."""
        entry.uid, entry.gid = self.uid(entry.uid), self.gid(entry.gid)
        for name in _ACLS:
            if name in entry.xattrs:
                entry.xattrs[name] = self._acl(entry.xattrs[name])
        if _CAPABILITY in entry.xattrs:
            entry.xattrs[_CAPABILITY] = self._capability(entry.xattrs[_CAPABILITY])

    def _acl(self, value: bytes) -> bytes:
        found = bytearray(value)
        for at in range(4, len(value) - _ENTRY.size + 1, _ENTRY.size):
            tag, permissions, number = _ENTRY.unpack_from(value, at)
            if tag in (_USER, _GROUP):
                number = self.uid(number) if tag == _USER else self.gid(number)
                _ENTRY.pack_into(found, at, tag, permissions, number)
        return bytes(found)

    def _capability(self, value: bytes) -> bytes:
        """Those of the container's root are plain ones in its archive."""
        magic = int.from_bytes(value[:4], "little")
        if magic & ~_FLAGS != _VERSION_3 or len(value) != _SIZE_3:
            return value
        root = self.uid(int.from_bytes(value[_SIZE_2:], "little"))
        if root == 0:
            plain = _VERSION_2 | magic & _FLAGS
            return plain.to_bytes(4, "little") + value[4:_SIZE_2]
        return value[:_SIZE_2] + root.to_bytes(4, "little")
