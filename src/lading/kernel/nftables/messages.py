"""The objects of nf_tables as netlink messages: table, chain, set, elements, rule.

All messages of a `Table` name its family and its name, so it is made once and asked for the rest.
Layouts: linux/netfilter/nf_tables.h.
"""

import struct
from collections.abc import Iterable

from lading.kernel.netlink import codec
from lading.kernel.nftables.expressions import be32
from lading.kernel.nftables.types import Type

NFPROTO_INET = 1
NFPROTO_IPV4 = 2
NFPROTO_IPV6 = 10
NFNL_SUBSYS_NFTABLES = 10

NFT_MSG_NEWTABLE = 0
NFT_MSG_DELTABLE = 2
NFT_MSG_NEWCHAIN = 3
NFT_MSG_DELCHAIN = 5
NFT_MSG_NEWRULE = 6
NFT_MSG_GETRULE = 7
NFT_MSG_DELRULE = 8
NFT_MSG_NEWSET = 9
NFT_MSG_DELSET = 11
NFT_MSG_NEWSETELEM = 12
NFT_MSG_GETSETELEM = 13
NFT_MSG_DELSETELEM = 14
NFT_MSG_NEWGEN = 15

NFT_SET_INTERVAL = 0x4
NFT_SET_MAP = 0x8
NFT_SET_CONCAT = 0x80
NFT_SET_ELEM_INTERVAL_END = 1

NF_INET_PRE_ROUTING = 0
NF_INET_FORWARD = 2
NF_INET_LOCAL_OUT = 3
NF_INET_POST_ROUTING = 4
PRIORITY_RAW = -300  # linux/netfilter_ipv4.h
PRIORITY_DSTNAT = -100
PRIORITY_FILTER = 0
PRIORITY_SRCNAT = 100

_NFGENMSG = struct.Struct(">BBH")  # family, version 0, resource id
_COMMENT = 0  # NFTNL_UDATA_RULE_COMMENT, as nft keeps the comment of a rule


class Table:
    """One table of a family. Each method returns a message (or a list) for a batch."""

    def __init__(self, name: str, family: int = NFPROTO_IPV4) -> None:
        self.name = name
        self.family = family
        self._set_ids = 0

    def create(self, *, must_be_new: bool = False) -> bytes:
        """Make the table unless it is there; `must_be_new`: then the kernel answers EEXIST."""
        flags = codec.NLM_F_CREATE | (codec.NLM_F_EXCL if must_be_new else 0)
        return self._message(NFT_MSG_NEWTABLE, flags, codec.string(1, self.name))

    def delete(self) -> bytes:
        """Delete the table and all in it. The kernel answers ENOENT if there is none."""
        return self._message(NFT_MSG_DELTABLE, 0, codec.string(1, self.name))

    def chain(self, name: str) -> bytes:
        """Make a chain that packets reach by a jump."""
        names = (codec.string(1, self.name), codec.string(3, name))
        return self._message(NFT_MSG_NEWCHAIN, codec.NLM_F_CREATE, *names)

    def base_chain(self, name: str, kind: str, *, hook: int, priority: int, policy: int) -> bytes:
        """Make a chain that packets reach by a hook; `kind` is "filter" or "nat"."""
        at = codec.nested(4, be32(1, hook), codec.attribute(2, struct.pack(">i", priority)))
        return self._message(
            NFT_MSG_NEWCHAIN,
            codec.NLM_F_CREATE,
            codec.string(1, self.name),
            codec.string(3, name),
            at,
            be32(5, policy),
            codec.string(7, kind),
        )

    def rule(self, chain: str, *words: bytes, comment: str = "") -> bytes:
        """Append a rule to the chain; the words come from `expressions`."""
        attributes = [
            codec.string(1, self.name),
            codec.string(2, chain),
            codec.nested(4, *words),
        ]
        if comment:
            text = comment.encode() + b"\0"
            attributes.append(codec.attribute(7, bytes([_COMMENT, len(text)]) + text))
        flags = codec.NLM_F_CREATE | codec.NLM_F_APPEND
        return self._message(NFT_MSG_NEWRULE, flags, *attributes)

    def delete_rule(self, chain: str, handle: int) -> bytes:
        """Delete one rule. The kernel answers ENOENT if it is gone."""
        names = (codec.string(1, self.name), codec.string(2, chain))
        return self._message(
            NFT_MSG_DELRULE, 0, *names, codec.attribute(3, struct.pack(">Q", handle))
        )

    def set(self, name: str, key: Type, *, flags: int = 0, data: Type | None = None) -> bytes:
        """Make a named set, or with `data` a map. NFT_SET_INTERVAL lets elements be ranges."""
        self._set_ids += 1  # tells the sets of one batch apart before they have handles
        # NFTNL_UDATA_SET_KEYBYTEORDER, and for maps NFTNL_UDATA_SET_DATABYTEORDER
        user_data = struct.pack("=BBI", 0, 4, key.byte_order)
        further = []
        if data:
            flags |= NFT_SET_MAP
            further += [be32(6, data.number), be32(7, data.size)]
            user_data += struct.pack("=BBI", 1, 4, data.byte_order)
        if flags & NFT_SET_INTERVAL and len(key.lengths) > 1:
            flags |= NFT_SET_CONCAT
            fields = [codec.nested(1, be32(1, length)) for length in key.lengths]
            further.append(codec.nested(9, codec.nested(2, *fields)))  # NFTA_SET_DESC_CONCAT
        return self._message(
            NFT_MSG_NEWSET,
            codec.NLM_F_CREATE,
            codec.string(1, self.name),
            codec.string(2, name),
            be32(3, flags),
            be32(4, key.number),
            be32(5, key.size),
            *further,
            be32(10, self._set_ids),
            codec.attribute(13, user_data),
        )

    def add_elements(self, set_name: str, elements: Iterable[bytes]) -> bytes:
        """Add elements; one that is there already stays."""
        return self._elements(NFT_MSG_NEWSETELEM, codec.NLM_F_CREATE, set_name, elements)

    def delete_elements(self, set_name: str, elements: Iterable[bytes]) -> bytes:
        """Delete elements. The kernel answers ENOENT if one is missing."""
        return self._elements(NFT_MSG_DELSETELEM, 0, set_name, elements)

    def flush(self, set_name: str) -> bytes:
        """Delete every element of the set or map."""
        names = codec.string(1, self.name) + codec.string(2, set_name)
        return self._message(NFT_MSG_DELSETELEM, 0, names)

    def _elements(
        self, message_type: int, flags: int, set_name: str, elements: Iterable[bytes]
    ) -> bytes:
        names = codec.string(1, self.name) + codec.string(2, set_name)
        return self._message(message_type, flags, names, codec.nested(3, *elements))

    def _message(self, message_type: int, flags: int, *attributes: bytes) -> bytes:
        header = _NFGENMSG.pack(self.family, 0, 0)
        return codec.message(NFNL_SUBSYS_NFTABLES << 8 | message_type, flags, header, *attributes)


def element(key: bytes, *, data: bytes = b"", end: bytes = b"", flags: int = 0) -> bytes:
    """One element: of a map with its `data`; up to `end` in a set of concatenated ranges."""
    attributes = [codec.nested(1, codec.attribute(1, key))]  # NFTA_SET_ELEM_KEY, NFTA_DATA_VALUE
    if data:
        attributes.append(codec.nested(2, codec.attribute(1, data)))
    if flags:
        attributes.append(be32(3, flags))
    if end:
        attributes.append(codec.nested(10, codec.attribute(1, end)))
    return codec.nested(1, *attributes)


def interval(first: bytes, last: bytes) -> list[bytes]:
    """The values from `first` to `last` as elements of a set of ranges of one field."""
    elements = [element(first)]
    behind = int.from_bytes(last, "big") + 1
    if behind < 1 << 8 * len(last):  # a range up to the last address of all has no end
        end = behind.to_bytes(len(last), "big")
        elements.append(element(end, flags=NFT_SET_ELEM_INTERVAL_END))
    return elements
