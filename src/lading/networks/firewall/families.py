"""IPv4 and IPv6: the same rules with other fields."""

from ipaddress import ip_address, ip_network
from typing import NamedTuple

from lading.kernel.nftables import expressions as nft
from lading.kernel.nftables import messages, types


class Family(NamedTuple):
    """What a table's rules and sets need to know of its family."""

    name: str  # as nft calls it
    number: int  # NFPROTO_
    version: int  # of IP
    address: types.Type
    source: nft.Field
    destination: nft.Field
    control_protocol: int  # ICMP's number
    loopback: bytes  # how an address of the loopback begins, in whole bytes
    source_offset: int  # in the header
    destination_offset: int


IPV4 = Family(
    "ip",
    messages.NFPROTO_IPV4,
    4,
    types.IPV4_ADDRESS,
    nft.IPV4_SOURCE,
    nft.IPV4_DESTINATION,
    1,
    bytes([127]),
    12,
    16,
)
IPV6 = Family(
    "ip6",
    messages.NFPROTO_IPV6,
    6,
    types.IPV6_ADDRESS,
    nft.IPV6_SOURCE,
    nft.IPV6_DESTINATION,
    58,
    bytes(15) + b"\1",
    8,
    24,
)
FAMILIES = (IPV4, IPV6)


def address_bytes(text: str) -> bytes:
    """An address as it is in a packet."""
    return ip_address(text).packed


def range_bytes(text: str) -> tuple[bytes, bytes]:
    """The first and the last address of a network, or twice an address."""
    network = ip_network(text, strict=False)
    return network.network_address.packed, network.broadcast_address.packed


def version_of(text: str) -> int:
    """4 or 6, of an address or a network."""
    return 6 if ":" in text else 4
