"""At which addresses of the host a port is published, and how each of them is served. Pure.

of the host    container has it    not            the container is reached by
IPv4           IPv4                               the packet filter, or the relay without one
IPv6           IPv6                               the same, and ::1 by the relay
IPv6           IPv4 only                          the relay
any            gateway mode routed                its own address: nothing of the host's
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import NamedTuple

from msgspec.structs import replace

from lading.networks.ports.choosing import ANY, Taken
from lading.networks.ports.records import Published, Target
from lading.networks.ports.wishes import Wish

LOOPBACK_TOO = (ANY[6], "::1")


class Means(NamedTuple):
    """What there is to serve ports with."""

    has_filter: bool
    has_relay: bool
    has_ipv6: Callable[[], bool]
    default: str = ""  # where to publish what names no address; "" for everywhere


def places(
    container_id: str, wish: Wish, targets: Mapping[int, Target], means: Means
) -> list[Published]:
    """Where the wish is to be published, without a port yet: one for each address of the host.

    Raises Taken when none of them can be served; a container that nobody may reach has none.
    """
    binding = targets[4].host_binding if 4 in targets else ""
    chosen = wish.address or binding or means.default
    addresses = [chosen] if chosen else [ANY[4], *([ANY[6]] if means.has_ipv6() else [])]
    every = [_place(container_id, wish, one, targets, means) for one in addresses]
    found = [place for place in every if place is not None]
    if not found and not any(target.is_closed for target in targets.values()):
        raise Taken(f"no address of the container can be reached from {addresses[0]}")
    return found


def address(target: Target, version: int) -> str:
    """The container's address there."""
    return target.endpoint.ip if version == 4 else target.endpoint.ipv6


def _place(
    container_id: str, wish: Wish, host: str, targets: Mapping[int, Target], means: Means
) -> Published | None:
    """How one address of the host is served; None if it cannot be."""
    version = ip_address(host).version
    target = targets.get(version)
    place = Published(
        container_id, wish.protocol, wish.container_port, host, 0, "", sources=wish.sources
    )
    can_relay = means.has_relay and wish.protocol != "sctp"
    if target is not None:
        place = replace(place, target=address(target, version))
        if target.is_closed:
            return None
        if target.gateway_mode == "routed":
            return replace(place, is_open=True)
        if means.has_filter:
            # a filter can redirect all of IPv4; of IPv6 not what is sent to ::1
            is_relayed = can_relay and host in LOOPBACK_TOO
            return replace(place, is_redirected=True, is_relayed=is_relayed)
    elif version == 6 and 4 in targets and not targets[4].is_closed:
        place = replace(place, target=address(targets[4], 4))
    return replace(place, is_relayed=True) if place.target and can_relay else None
