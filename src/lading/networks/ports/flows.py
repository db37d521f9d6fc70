"""Flows of datagrams go where they went before; those of ports that changed are forgotten."""

import logging
from collections.abc import Iterable

from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket, conntrack
from lading.networks.ports.records import Published

log = logging.getLogger(__name__)
IPPROTO_UDP = 17


class Flows:
    """Connection tracking of the host."""

    def __init__(self) -> None:
        # kept open: to close one waits for the deletion of elements that were just taken out
        self._socket: NetlinkSocket | None = None

    def forget(self, published: Iterable[Published]) -> None:
        """The next datagram to these ports is looked at anew. A failure is logged."""
        ports = {
            (6 if one.is_ipv6 else 4, one.port)
            for one in published
            if one.protocol == "udp" and one.is_redirected
        }
        if not ports:
            return
        try:
            if self._socket is None:
                self._socket = NetlinkSocket(NETLINK_NETFILTER)
            for version, port in ports:
                conntrack.forget(self._socket, version=version, protocol=IPPROTO_UDP, port=port)
        except OSError as error:
            log.warning("flows of published UDP ports cannot be forgotten: %s", error)

    def close(self) -> None:
        """Close the socket."""
        if self._socket:
            self._socket.close()
            self._socket = None
