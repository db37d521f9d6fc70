"""The resolver's sockets in a container's network namespace, and the redirection to them.

    127.0.0.11:53 ──output, DNAT──▶ 127.0.0.11:a free port, where our sockets are

Not port 53 itself: a container may run a name server, which takes that port of all addresses. The
redirection is a table `ip lading-dns` in the namespace; it goes with it.
"""

import contextlib
import os
import socket
from collections.abc import Iterator

from lading.kernel import netns, nftables
from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket
from lading.kernel.nftables import expressions as nft
from lading.kernel.nftables import messages, types

ADDRESS = "127.0.0.11"
PORT = 53
TABLE = "lading-dns"
_BYTES = socket.inet_aton(ADDRESS)
_KEY = types.concatenated(types.IPV4_ADDRESS, types.PROTOCOL, types.PORT)
_TARGET = types.concatenated(types.IPV4_ADDRESS, types.PORT)


def make(namespace: int, home: int) -> tuple[socket.socket, socket.socket]:
    """The UDP and the TCP socket in that namespace; the caller's thread comes back `home`.

    Raises OSError. What an earlier resolver had there is replaced.
    """
    with _inside(namespace, home):
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            datagrams.bind((ADDRESS, 0))
            streams = socket.create_server((ADDRESS, 0), backlog=64)
        except OSError:
            datagrams.close()
            raise
        try:
            _redirect({17: datagrams.getsockname()[1], 6: streams.getsockname()[1]})
        except OSError:
            datagrams.close()
            streams.close()
            raise
    return datagrams, streams


def _redirect(ports: dict[int, int]) -> None:
    """`ports` by IPPROTO_ number."""
    table = nftables.Table(TABLE)
    elements = [
        messages.element(
            types.packed(_BYTES, types.protocol(protocol), types.port(PORT)),
            data=types.packed(_BYTES, types.port(port)),
        )
        for protocol, port in ports.items()
    ]
    filling = [
        table.set("resolver", _KEY, data=_TARGET),
        table.base_chain(
            "output",
            "nat",
            hook=messages.NF_INET_LOCAL_OUT,
            priority=messages.PRIORITY_DSTNAT,
            policy=nft.NF_ACCEPT,
        ),
        table.rule(
            "output",
            nft.load(nft.IPV4_DESTINATION, nft.PROTOCOL, nft.DESTINATION_PORT),
            nft.mapped_by("resolver"),
            nft.dnat(table.family, nft.IPV4_DESTINATION.registers),
        ),
        table.add_elements("resolver", elements),
    ]
    with NetlinkSocket(NETLINK_NETFILTER) as netfilter:
        try:
            nftables.commit(netfilter, [table.create(must_be_new=True), *filling])
        except FileExistsError:  # an earlier resolver's; after a deletion the close takes 11 ms
            nftables.commit(netfilter, [table.delete(), table.create(), *filling])


@contextlib.contextmanager
def _inside(namespace: int, home: int) -> Iterator[None]:
    netns.setns(namespace)
    try:
        yield
    finally:
        netns.setns(home)


def of_process(pid: int) -> int:
    """A descriptor of the network namespace that a process is in. Raises OSError."""
    return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
