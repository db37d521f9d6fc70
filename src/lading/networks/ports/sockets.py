"""The sockets that hold published ports: bound by the engine, which can tell errors; then the
porter keeps them.
"""

import contextlib
import errno
import socket

from lading.kernel import socket_filter
from lading.networks.ports.door import Make, maker

plain = maker("")

_KINDS = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_STREAM, socket.IPPROTO_SCTP),
}


def bind(
    protocol: str, address: str, port: int, *, listens: bool, make: Make = plain
) -> socket.socket | None:
    """A socket on that port; with `listens` it takes what arrives, else all is dropped.

    None where the kernel has no sockets of the protocol: then no program can take the port either.
    Raises OSError: EADDRINUSE, EADDRNOTAVAIL.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind, number = _KINDS[protocol]
    try:
        made = make(family, kind, number)
    except OSError as error:
        if error.errno in (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT) and protocol == "sctp":
            return None
        raise
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if protocol == "tcp":  # connections of an earlier holder may still be in TIME_WAIT
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not listens:
            socket_filter.drop_all(made)
        made.bind((address, port))
        if protocol != "udp":
            made.listen(socket.SOMAXCONN if listens else 0)
    except BaseException:
        made.close()
        raise
    return made


def has_ipv6(make: Make = plain) -> bool:
    """Whether the host can listen on an IPv6 address."""
    with contextlib.suppress(OSError), make(socket.AF_INET6, socket.SOCK_STREAM, 0) as one:
        one.bind(("::1", 0))
        return True
    return False
