"""The objects of nf_tables as netlink messages: table, chain, set, elements, rule.

All messages of a `Table` name its family and its name, so it is made once and asked for the rest.
Layouts: linux/netfilter/nf_tables.h. Set keys carry nft's type numbers, which mean nothing to the
kernel and let `nft list ruleset` print them (7 is ipv4_addr, 41 ifname: nftables, src/datatype.c).
"""

import struct
from collections.abc import Iterable

from lading.kernel.netlink import codec
from lading.kernel.nftables.expressions import be32

NFPROTO_IPV4 = 2
NFNL_SUBSYS_NFTABLES = 10

NFT_MSG_NEWTABLE = 0
NFT_MSG_DELTABLE = 2
NFT_MSG_NEWCHAIN = 3
NFT_MSG_NEWRULE = 6
NFT_MSG_NEWSET = 9
NFT_MSG_NEWSETELEM = 12
NFT_MSG_DELSETELEM = 14

NFT_SET_INTERVAL = 0x4
NFT_SET_ELEM_INTERVAL_END = 1

NF_INET_FORWARD = 2
NF_INET_POST_ROUTING = 4
PRIORITY_FILTER = 0  # NF_IP_PRI_FILTER
PRIORITY_SRCNAT = 100  # NF_IP_PRI_NAT_SRC

_NFGENMSG = struct.Struct(">BBH")  # family, version 0, resource id
_INTERFACE_NAME_SIZE = 16  # IFNAMSIZ


class KeyType:
    """The type of a set's key: its length, and how nft names it."""

    def __init__(self, number: int, length: int, byte_order: int) -> None:
        self.number = number
        self.length = length
        self.byte_order = byte_order


_HOST_ORDER, _BIG_ENDIAN = 1, 2  # enum byteorder of nft, kept in the set's user data
IPV4_ADDRESS = KeyType(7, 4, _BIG_ENDIAN)
INTERFACE = KeyType(41, _INTERFACE_NAME_SIZE, _HOST_ORDER)
INTERFACE_PAIR = KeyType(41 << 6 | 41, 2 * _INTERFACE_NAME_SIZE, 0)  # six bits a type


class Table:
    """One table of a family. Each method returns a message (or a list) for a batch."""

    def __init__(self, name: str, family: int = NFPROTO_IPV4) -> None:
        self.name = name
        self.family = family
        self._set_ids = 0

    def create(self) -> bytes:
        """Make the table unless it is there."""
        return self._message(NFT_MSG_NEWTABLE, codec.NLM_F_CREATE, codec.string(1, self.name))

    def delete(self) -> bytes:
        """Delete the table and all in it. The kernel answers ENOENT if there is none."""
        return self._message(NFT_MSG_DELTABLE, 0, codec.string(1, self.name))

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

    def rule(self, chain: str, *words: bytes) -> bytes:
        """Append a rule to the chain; the words come from `expressions`."""
        return self._message(
            NFT_MSG_NEWRULE,
            codec.NLM_F_CREATE | codec.NLM_F_APPEND,
            codec.string(1, self.name),
            codec.string(2, chain),
            codec.nested(4, *words),
        )

    def set(self, name: str, key: KeyType, *, flags: int = 0) -> bytes:
        """Make a named set."""
        self._set_ids += 1  # tells the sets of one batch apart before they have handles
        user_data = struct.pack("=BBI", 0, 4, key.byte_order)  # NFTNL_UDATA_SET_KEYBYTEORDER
        return self._message(
            NFT_MSG_NEWSET,
            codec.NLM_F_CREATE,
            codec.string(1, self.name),
            codec.string(2, name),
            be32(3, flags),
            be32(4, key.number),
            be32(5, key.length),
            be32(10, self._set_ids),
            codec.attribute(13, user_data),
        )

    def add_elements(self, set_name: str, elements: Iterable[bytes]) -> bytes:
        """Add elements; one that is there already stays."""
        return self._elements(NFT_MSG_NEWSETELEM, codec.NLM_F_CREATE, set_name, elements)

    def delete_elements(self, set_name: str, elements: Iterable[bytes]) -> bytes:
        """Delete elements. The kernel answers ENOENT if one is missing."""
        return self._elements(NFT_MSG_DELSETELEM, 0, set_name, elements)

    def _elements(
        self, message_type: int, flags: int, set_name: str, elements: Iterable[bytes]
    ) -> bytes:
        names = codec.string(1, self.name) + codec.string(2, set_name)
        return self._message(message_type, flags, names, codec.nested(3, *elements))

    def _message(self, message_type: int, flags: int, *attributes: bytes) -> bytes:
        header = _NFGENMSG.pack(self.family, 0, 0)
        return codec.message(NFNL_SUBSYS_NFTABLES << 8 | message_type, flags, header, *attributes)


def element(key: bytes, *, flags: int = 0) -> bytes:
    """One element of a set."""
    attributes = [codec.nested(1, codec.attribute(1, key))]  # NFTA_SET_ELEM_KEY, NFTA_DATA_VALUE
    if flags:
        attributes.append(be32(3, flags))
    return codec.nested(1, *attributes)


def interval(first: bytes, last: bytes) -> list[bytes]:
    """The addresses from `first` to `last` as elements of an NFT_SET_INTERVAL set."""
    elements = [element(first)]
    behind = int.from_bytes(last, "big") + 1
    if behind < 1 << 8 * len(last):  # a range up to the last address of all has no end
        end = behind.to_bytes(len(last), "big")
        elements.append(element(end, flags=NFT_SET_ELEM_INTERVAL_END))
    return elements


def interface_key(*names: str) -> bytes:
    """Interface names as the key of an INTERFACE or INTERFACE_PAIR set."""
    return b"".join(name.encode().ljust(_INTERFACE_NAME_SIZE, b"\0") for name in names)
