"""Owners in attributes: access control lists and file capabilities as they are seen inside."""

import struct

from lading.storage.layers import Ids, TarEntry

INSIDE = Ids(lambda uid: uid - 1000, lambda gid: gid - 2000)
ACL = struct.Struct("<HHI")
NOBODY = 0xFFFFFFFF  # the id of an entry that names nobody


def acl(*entries: tuple[int, int, int]) -> bytes:
    return b"\x02\0\0\0" + b"".join(ACL.pack(*entry) for entry in entries)


def test_an_owner_is_translated() -> None:
    entry = TarEntry(b"a", uid=1007, gid=2008)
    INSIDE.apply(entry)
    assert (entry.uid, entry.gid) == (7, 8)


def test_the_named_entries_of_an_acl_are_translated_and_no_others() -> None:
    name = b"system.posix_acl_access"
    given = acl((1, 6, NOBODY), (2, 7, 1005), (4, 4, NOBODY), (8, 5, 2006), (0x20, 4, NOBODY))
    entry = TarEntry(b"a", uid=1000, gid=2000, xattrs={name: given})
    INSIDE.apply(entry)
    expected = acl((1, 6, NOBODY), (2, 7, 5), (4, 4, NOBODY), (8, 5, 6), (0x20, 4, NOBODY))
    assert entry.xattrs[name] == expected


def test_capabilities_of_the_containers_root_are_plain_ones() -> None:
    sets = bytes(range(16))
    namespaced = struct.pack("<I", 0x03000001) + sets + struct.pack("<I", 1000)
    entry = TarEntry(b"a", uid=1000, gid=2000, xattrs={b"security.capability": namespaced})
    INSIDE.apply(entry)
    assert entry.xattrs[b"security.capability"] == struct.pack("<I", 0x02000001) + sets


def test_capabilities_of_another_root_keep_whose_they_are() -> None:
    namespaced = struct.pack("<I", 0x03000000) + bytes(16) + struct.pack("<I", 1009)
    plain = struct.pack("<I", 0x02000000) + bytes(16)
    for given, expected in ((namespaced, namespaced[:-4] + struct.pack("<I", 9)), (plain, plain)):
        entry = TarEntry(b"a", uid=1000, gid=2000, xattrs={b"security.capability": given})
        INSIDE.apply(entry)
        assert entry.xattrs[b"security.capability"] == expected
