"""What networks and published ports contribute to the sets and maps of a table. Pure.

bridges       ifname                      our bridges
neighbours    ifname . ifname             pairs between which packets may pass: a bridge and itself
internal      ifname                      bridges of internal networks
unprotected   ifname                      bridges whose containers anybody may reach
routed        ifname                      bridges whose containers answer pings from anywhere
subnets       address ranges              those whose packets to the outside are masqueraded
inside        ifname . address ranges     which addresses are behind which bridge
published     proto . port : addr . port  ports of every address of the host
published_at  addr . proto . port : ...   ports of one address
restricted    proto . port                those of them with a list of sources
allowed       proto . port . addr ranges  the sources
restricted_at, allowed_at                 the same for ports of one address
direct        addr . proto . port         ports of containers that are reached without NAT
"""

from collections.abc import Iterator
from ipaddress import collapse_addresses, ip_network
from typing import NamedTuple

from lading.kernel.nftables import messages, types
from lading.networks.firewall.families import Family, address_bytes, range_bytes, version_of

PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}  # IPPROTO_
PORT_SETS = (
    *("published", "published_at", "restricted", "restricted_at"),
    *("allowed", "allowed_at", "direct"),
)
PLAIN_SETS = (  # those without ranges
    *("bridges", "neighbours", "internal", "unprotected", "routed"),
    *("published", "published_at", "restricted", "restricted_at", "direct"),
)
GATEWAY_MODES = ("nat", "nat-unprotected", "routed", "isolated")


class Zone(NamedTuple):
    """A network as the filter sees it: a bridge, and which addresses are behind it."""

    bridge: str
    subnets: tuple[str, ...]  # "172.17.0.0/16", "fd00::/64"
    masquerade: bool = True
    icc: bool = True  # containers of the network may talk to each other
    internal: bool = False  # nothing passes to or from elsewhere
    mode_ipv4: str = "nat"  # one of GATEWAY_MODES
    mode_ipv6: str = "nat"


class Redirect(NamedTuple):
    """Connections to a port of the host go to a container."""

    protocol: str  # a key of PROTOCOLS
    address: str  # of the host; "0.0.0.0" and "::" for all of the family
    port: int
    to_address: str
    to_port: int
    sources: tuple[str, ...] = ()  # networks that may come from outside; none: all


class Opening(NamedTuple):
    """A port of a container that is reached at the container's own address."""

    protocol: str
    address: str
    port: int


class Element(NamedTuple):
    """One element of the set or map; with `end` it is a range of keys."""

    set_name: str
    key: bytes
    data: bytes = b""
    end: bytes = b""

    def encode(self) -> list[bytes]:
        """The element as nf_tables takes it."""
        if self.set_name == "subnets":
            return messages.interval(self.key, self.end)
        return [messages.element(self.key, data=self.data, end=self.end)]


Subject = Zone | Redirect | Opening


def elements_of(subject: Subject, family: Family) -> list[Element]:
    """The subject's elements in the table of the family; none if it is of the other."""
    if isinstance(subject, Zone):
        return [*_of_zone(subject, family)]
    if isinstance(subject, Redirect):
        return [*_of_redirect(subject, family)]
    return [*_of_opening(subject, family)]


def _of_zone(zone: Zone, family: Family) -> Iterator[Element]:
    bridge = types.interface(zone.bridge)
    mode = zone.mode_ipv4 if family.version == 4 else zone.mode_ipv6
    yield Element("bridges", bridge)
    if zone.icc:
        yield Element("neighbours", bridge + bridge)
    if zone.internal:
        yield Element("internal", bridge)
    elif mode == "nat-unprotected":
        yield Element("unprotected", bridge)
    elif mode == "routed":
        yield Element("routed", bridge)
    for subnet in zone.subnets:
        if version_of(subnet) != family.version:
            continue
        first, last = range_bytes(subnet)
        if zone.masquerade and not zone.internal and mode.startswith("nat"):
            yield Element("subnets", first, end=last)
        yield Element("inside", bridge + first, end=bridge + last)


def _of_redirect(redirect: Redirect, family: Family) -> Iterator[Element]:
    if version_of(redirect.address) != family.version:
        return
    address = address_bytes(redirect.address)
    port = types.packed(types.protocol(PROTOCOLS[redirect.protocol]), types.port(redirect.port))
    suffix, key = ("_at", address + port) if any(address) else ("", port)
    target = types.packed(address_bytes(redirect.to_address), types.port(redirect.to_port))
    yield Element(f"published{suffix}", key, data=target)
    if redirect.sources:
        yield Element(f"restricted{suffix}", key)
    for source in collapsed(redirect.sources, family):
        first, last = range_bytes(source)
        yield Element(f"allowed{suffix}", key + first, end=key + last)


def collapsed(sources: tuple[str, ...], family: Family) -> list[str]:
    """The sources of the family without overlaps, which a set of ranges refuses."""
    networks = [ip_network(source, strict=False) for source in sources]
    chosen = [network for network in networks if network.version == family.version]
    return [str(network) for network in collapse_addresses(chosen)]  # type: ignore[type-var]


def _of_opening(opening: Opening, family: Family) -> Iterator[Element]:
    if version_of(opening.address) == family.version:
        key = types.packed(
            address_bytes(opening.address),
            types.protocol(PROTOCOLS[opening.protocol]),
            types.port(opening.port),
        )
        yield Element("direct", key)
