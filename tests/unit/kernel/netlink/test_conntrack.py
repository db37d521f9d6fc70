import socket
import subprocess

import pytest

from lading.kernel.netlink import NETLINK_NETFILTER, NetlinkSocket, conntrack, link

UDP = 17


@pytest.mark.usefixtures("own_namespace")
def test_flows_to_a_port_are_forgotten_and_no_others() -> None:
    with NetlinkSocket() as here:
        here.request(link.set_up(1))
    rules = "add table ip t; add chain ip t c { type filter hook output priority 0; }"
    subprocess.run(["nft", f"{rules}; add rule ip t c ct state new counter"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for port in (7001, 7001, 7002):
            sender.sendto(b"word", ("127.0.0.1", port))
    with NetlinkSocket(NETLINK_NETFILTER) as netfilter:
        assert conntrack.forget(netfilter, version=4, protocol=UDP, port=7001) == 1
        assert conntrack.forget(netfilter, version=4, protocol=UDP, port=7001) == 0
        assert conntrack.forget(netfilter, version=6, protocol=UDP, port=7002) == 0
        assert conntrack.forget(netfilter, version=4, protocol=6, port=7002) == 0
        assert conntrack.forget(netfilter, version=4, protocol=UDP, port=7002) == 1
