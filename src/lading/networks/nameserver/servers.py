"""Whom the resolver asks for a container about names that are not containers'. Pure."""

from collections.abc import Sequence
from ipaddress import ip_address

from msgspec import Struct

from lading.networks import resolvconf

MAX_SERVERS = 3


class Upstream(Struct, frozen=True):
    """What a container's resolver does beyond its own names; kept in the run directory."""

    servers: tuple[tuple[str, bool], ...]  # address, and whether only the host can reach it
    forwards: bool = True  # a container without a way out is told NXDOMAIN at once
    ndots_set: bool = False  # by the user: then names of one label are not asked of others


def choose(
    host: str, *, servers: Sequence[str], options: Sequence[str], has_way_out: bool
) -> Upstream:
    """The servers that were asked for, else the host's; public ones if it has none.

    `host` is the text of the host's resolv.conf. A server on its loopback is asked from the host.
    """
    asked = [(server, False) for server in servers]
    of_host = [
        (server, ip_address(server.partition("%")[0]).is_loopback)
        for server in resolvconf.nameservers(host)
    ]
    fallback = [(server, False) for server in resolvconf.FALLBACK_SERVERS]
    chosen = asked or of_host or fallback
    return Upstream(
        tuple(chosen[:MAX_SERVERS]),
        has_way_out,
        any(option.partition(":")[0] == "ndots" for option in options),
    )
