"""Which ranges of addresses a network has: those that were asked, and chosen ones. Pure."""

from collections.abc import Container, Iterable, Sequence
from ipaddress import ip_network

from msgspec.structs import replace

from lading.errors import PermissionDenied, SystemFault
from lading.networks import ipam
from lading.networks.ipam import IPNetwork
from lading.networks.records import Network, Subnet


class PoolOverlaps(PermissionDenied):
    """invalid pool request: Pool overlaps with other one on this address space"""


class GatewayTaken(SystemFault):
    """failed to allocate gateway ({0}): Address already in use"""


class AuxiliaryTaken(SystemFault):
    """failed to allocate secondary ip address ({0}:{1}): Address already in use"""


def complete(
    network: Network,
    others: Iterable[Network],
    *,
    pools: Sequence[tuple[str, int]],
    in_use: Sequence[IPNetwork],
    without_gateway: Container[bool] = (),
) -> Network:
    """The network with a range for each of its families, and a gateway in each range.

    `without_gateway` are the families (whether IPv6) whose ranges get none unless it is asked for.

    What is asked may overlap what the host uses (its owner knows why), but no other network; what
    is chosen overlaps neither. Raises PoolOverlaps, GatewayTaken, AuxiliaryTaken, NoSubnetLeft.
    """
    occupied = [ip_network(one.subnet) for other in others for one in _held(other)]
    found = [one for one in network.subnets if _is_used(network, one)]
    idle = [one for one in network.subnets if not _is_used(network, one)]
    for position, one in enumerate(found):
        own = ip_network(one.subnet)
        rest = [ip_network(other.subnet) for other in found[:position]]
        if any(_overlap(own, other) for other in (*occupied, *rest)):
            raise PoolOverlaps
    for ipv6, is_wanted in ((False, network.enable_ipv4), (True, network.enable_ipv6)):
        if is_wanted and not any(one.is_ipv6 == ipv6 for one in found):
            subnet = ipam.choose_subnet(pools, [*in_use, *occupied], ipv6=ipv6)
            found.append(Subnet(str(subnet)))
    found = [
        one if one.is_ipv6 in without_gateway and not one.gateway else with_gateway(one)
        for one in found
    ]
    order = sorted([*found, *idle], key=lambda one: one.is_ipv6)
    return replace(network, subnets=tuple(order))


def with_gateway(one: Subnet) -> Subnet:
    """The range with a gateway: the one asked for, or its first free address."""
    taken = ipam.Pool(one.subnet, ip_range=one.ip_range)
    gateway = one.gateway
    if gateway:
        _take(taken, gateway, GatewayTaken(gateway))
    for name, ip in one.aux.items():
        _take(taken, ip, AuxiliaryTaken(name, ip))
    if not gateway:
        gateway = ipam.Pool(one.subnet, ip_range=one.ip_range, aux=one.aux).allocate(one.subnet)
    return replace(one, gateway=gateway)


def _take(pool: ipam.Pool, ip: str, otherwise: SystemFault) -> None:
    try:
        pool.take(ip)
    except ipam.AddressTaken:
        raise otherwise from None


def _held(network: Network) -> Sequence[Subnet]:
    """The ranges that a network has for itself; a template has none."""
    if network.config_only:
        return ()
    return [one for one in network.subnets if _is_used(network, one)]


def _is_used(network: Network, one: Subnet) -> bool:
    """A range of a family that the network has not is only told in inspect."""
    return network.enable_ipv6 if one.is_ipv6 else network.enable_ipv4


def _overlap(one: IPNetwork, other: IPNetwork) -> bool:
    return one.version == other.version and one.overlaps(other)
