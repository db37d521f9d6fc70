"""The host's wire, and visits to network namespaces."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from lading.kernel import netns
from lading.kernel.netlink import NetlinkSocket, address, link, route
from lading.networks import sandbox

T = TypeVar("T")
OUTSIDE = "203.0.113.2"
EXTERNAL = "203.0.113.1"  # the host's address on the wire


def inside(netns_fd: int | None, action: Callable[[], T]) -> T:
    """Run the action in that network namespace, in a thread that ends there."""

    def visit() -> T:
        assert netns_fd is not None
        netns.setns(netns_fd)
        return action()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(visit).result()


@contextmanager
def neighbour() -> Iterator[int]:
    """One on the host's own wire, with a route to everything by the host: its namespace."""
    home = netns.open_own()
    other = sandbox.create(home)
    with NetlinkSocket() as here:
        here.request(link.add_bridge("wire", mac="02:00:00:00:00:01", mtu=1500))
        wire = link.get(here, "wire")
        assert wire
        peer = link.veth_peer("eth0", mac="02:00:00:00:00:02", mtu=1500, namespace=other.fd)
        here.request(
            link.add_veth("wire-port", master=wire.ifindex, mtu=1500, peer=peer),
            link.set_up("wire-port"),
            link.set_up("wire"),
            address.add(wire.ifindex, EXTERNAL, 24),
        )
    there = link.get(other.socket, "eth0")
    assert there
    other.socket.request(
        link.set_up(1),
        address.add(there.ifindex, OUTSIDE, 24),
        link.set_up(there.ifindex),
        route.add_default(EXTERNAL, ifindex=there.ifindex),
    )
    os.close(home)
    try:
        yield other.fd
    finally:
        other.close()
