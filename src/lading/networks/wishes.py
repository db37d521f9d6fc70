"""What a user may wish of an endpoint, checked against its network, in dockerd's words. Pure."""

import ipaddress
import re
from collections.abc import Iterable

from msgspec import UNSET

from lading.errors import InvalidArgument, LadingError
from lading.networks import options
from lading.networks.records import Network
from lading.wire.networks import EndpointSettings

_MAC = re.compile("[0-9a-fA-F]{2}([:-]?[0-9a-fA-F]{2}){5}")
_UNCONFIGURED = (
    "user specified IP address is supported only when connecting to networks with user configured "
    "subnets"
)


class BadEndpoint(InvalidArgument):
    """invalid endpoint settings:\n{0}"""


class BadMac(InvalidArgument):
    """invalid MAC address {0}"""


class BadEndpointConfig(InvalidArgument):
    """invalid config for network {0}: {1}"""


def check(settings: EndpointSettings, network: Network | None, *, is_user_defined: bool) -> None:
    """Raises BadMac, BadEndpoint. Without the network only what needs none is checked."""
    if settings.mac_address and not _MAC.fullmatch(settings.mac_address):
        raise BadMac(settings.mac_address)
    ip, ipv6, link_local = asked_addresses(settings)
    faults = []
    if not is_user_defined and (ip or ipv6):
        faults.append("user specified IP address is supported on user defined networks only")
    if not is_user_defined and settings.aliases:
        faults.append(
            "network-scoped alias is supported only for containers in user defined networks"
        )
    faults += _malformed(ip, ipv6, link_local)
    if network is not None:
        faults += [
            fault for one in (ip, ipv6) if one for fault in _outside(network, one, one == ipv6)
        ]
    try:
        options.sysctls(settings.driver_opts or {}, "eth0")
    except LadingError as error:
        faults.append(str(error))
    if len(faults) == 1:
        raise BadEndpoint(faults[0])
    if faults:
        raise BadEndpoint("\n".join(f"* {fault}" for fault in faults))


def asked_addresses(settings: EndpointSettings) -> tuple[str, str, list[str]]:
    """IPv4 address, IPv6 address, link-local addresses; "" for what is not asked."""
    asked = settings.ipam_config
    if asked is None:
        return "", "", []
    texts = [
        value if isinstance(value, str) else ""
        for value in (asked.ipv4_address, asked.ipv6_address)
    ]
    link_local = [] if asked.link_local_ips is UNSET else asked.link_local_ips or []
    return texts[0], texts[1], link_local


def _malformed(ip: str, ipv6: str, link_local: Iterable[str]) -> list[str]:
    faults = []
    if ip and _version(ip) != 4:
        faults.append(f"invalid IPv4 address: {ip}")
    if ipv6 and _version(ipv6) != 6:
        faults.append(f"invalid IPv6 address: {ipv6}")
    faults += [f"invalid link-local IP address: {one}" for one in link_local if not _version(one)]
    return faults


def _outside(network: Network, ip: str, is_ipv6: bool) -> list[str]:
    asked = [one for one in network.of_family(ipv6=is_ipv6) if one.is_asked]
    if not asked:
        return [_UNCONFIGURED]
    if _version(ip) and any(
        ipaddress.ip_address(ip) in ipaddress.ip_network(one.subnet) for one in asked
    ):
        return []
    return [f"no configured subnet or ip-range contain the IP address {ip}"]


def _version(ip: str) -> int:
    try:
        return ipaddress.ip_address(ip).version
    except ValueError:
        return 0
