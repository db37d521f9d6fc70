"""Making an interface in a sandbox ready for traffic: addresses, sysctls, default routes.

The drivers put the interface there; what follows is the same for all of them. On a container that
runs the same functions change routes when a network comes or goes.
"""

import contextlib
import errno
import socket as sockets
from collections.abc import Sequence

from lading.errors import InvalidArgument
from lading.kernel import sysctl
from lading.kernel.netlink import address, link, route
from lading.networks import gateways
from lading.networks.records import Endpoint
from lading.networks.sandbox import Sandbox

LOOPBACK_INDEX = 1  # of lo in every network namespace
_LINK_LOCAL_PREFIX = {4: 16, 6: 64}  # RFC 3927, RFC 4291
_FAMILIES = ((sockets.AF_INET, False), (sockets.AF_INET6, True))
# nobody else has our address, and routers of the network have nothing to say: the gateway is known
_IPV6 = (("accept_dad", "0"), ("accept_ra", "0"), ("autoconf", "0"), ("disable_ipv6", "0"))


class SysctlRefused(InvalidArgument):
    """failed to set sysctl {0}={1}: {2}"""


class InterfaceTaken(InvalidArgument):
    """an interface named {0} exists already in the container"""


def settle(sandbox: Sandbox, endpoint: Endpoint, *, gateway: str = "", gateway6: str = "") -> None:
    """Addresses on the interface that is there now, and up; with default routes if any are told.

    Raises OSError, SysctlRefused.
    """
    found = link.get(sandbox.socket, endpoint.interface)
    if found is None:
        raise OSError(errno.ENODEV, f"{endpoint.interface} did not arrive in the sandbox")
    index = found.ifindex
    _set_sysctls(sandbox, endpoint)
    requests = [link.set_up(LOOPBACK_INDEX)]
    if endpoint.ip:
        requests.append(address.add(index, endpoint.ip, endpoint.prefix))
    if endpoint.ipv6:
        requests.append(address.add(index, endpoint.ipv6, endpoint.ipv6_prefix))
    for ip in endpoint.link_local_ips:
        prefix = _LINK_LOCAL_PREFIX[6 if ":" in ip else 4]
        requests.append(address.add(index, ip, prefix, is_link_local=True))
    requests.append(link.set_up(index))
    requests += [route.add_default(one, ifindex=index) for one in (gateway, gateway6) if one]
    sandbox.socket.request(*requests)


def reroute(sandbox: Sandbox, endpoints: Sequence[Endpoint]) -> None:
    """Let the default routes be those of the container's endpoints as they are now."""
    for family, is_ipv6 in _FAMILIES:
        chosen = gateways.choose(endpoints, ipv6=is_ipv6)
        wanted = (chosen.ipv6_gateway if is_ipv6 else chosen.gateway) if chosen else ""
        present = [
            one
            for one in route.dump(sandbox.socket, family)
            if one.prefix == 0 and one.table == route.RT_TABLE_MAIN
        ]
        interface = link.get(sandbox.socket, chosen.interface) if chosen else None
        index = interface.ifindex if interface else 0
        if [(one.gateway, one.ifindex) for one in present] == [(wanted, index)]:
            continue
        changes = [route.delete(one) for one in present]
        if wanted and index:
            changes.append(route.add_default(wanted, ifindex=index))
        if changes:
            sandbox.socket.request(*changes)


def _set_sysctls(sandbox: Sandbox, endpoint: Endpoint) -> None:
    """IPv6 on if the endpoint has any of it, and what the user asked of the interface."""
    has_ipv6 = bool(endpoint.ipv6) or any(":" in ip for ip in endpoint.link_local_ips)
    if not has_ipv6 and not endpoint.sysctls:
        return
    with sandbox.visiting():
        name = endpoint.interface.replace(".", "/")
        for setting, value in _IPV6 if has_ipv6 else ():
            with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6: address.add says
                sysctl.write(f"net.ipv6.conf.{name}.{setting}", value)
        for setting, value in endpoint.sysctls:
            try:
                sysctl.write(setting, value)
            except OSError as error:
                raise SysctlRefused(setting, value, error.strerror) from error
