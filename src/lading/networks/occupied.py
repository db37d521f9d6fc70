"""What addresses the host uses already: its interfaces, its routes, its name servers."""

import socket as sockets
from collections.abc import Callable, Set
from ipaddress import ip_interface, ip_network

from lading.kernel.netlink import NetlinkSocket, address, route
from lading.networks import resolvconf
from lading.networks.ipam import IPNetwork

_OF_LINKS = ip_network("fe80::/10"), ip_network("ff00::/8")  # every IPv6 interface has these


def subnets(
    socket: NetlinkSocket, read_file: Callable[[str], str], *, own: Set[int] = frozenset()
) -> list[IPNetwork]:
    """The subnets of both families; the links whose indexes are in `own` do not count."""
    found: list[IPNetwork] = []
    for family in (sockets.AF_INET, sockets.AF_INET6):
        found += [
            ip_interface(f"{one.ip}/{one.prefix}").network
            for one in address.dump(socket, family)
            if one.ifindex not in own
        ]
        found += [
            ip_network(f"{one.destination}/{one.prefix}")
            for one in route.dump(socket, family)
            if one.prefix and one.ifindex not in own
        ]
    servers = resolvconf.nameservers(resolvconf.host_text(read_file))
    found += [ip_network(server.partition("%")[0]) for server in servers]
    return [one for one in found if not _is_of_links(one)]


def _is_of_links(one: IPNetwork) -> bool:
    return one.version == 6 and any(one.subnet_of(each) for each in _OF_LINKS)  # type: ignore[arg-type]
