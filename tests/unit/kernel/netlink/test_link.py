import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from lading.kernel import netns
from lading.kernel.netlink import NetlinkSocket, link

MAC = "02:42:0a:09:00:01"


@pytest.fixture
def socket(own_namespace: int) -> Iterator[NetlinkSocket]:
    with NetlinkSocket() as opened:
        yield opened


@pytest.fixture
def other_namespace(own_namespace: int) -> Iterator[int]:
    here = netns.open_own()
    netns.unshare()
    other = netns.open_own()
    netns.setns(here)
    os.close(here)
    yield other
    os.close(other)


def ip(*arguments: str) -> list[dict[str, Any]]:
    """What iproute2 says, as an oracle."""
    run = subprocess.run(["ip", "-d", "-j", *arguments], check=True, capture_output=True)
    found: list[dict[str, Any]] = json.loads(run.stdout)
    return found


def test_a_bridge_is_made_as_asked(socket: NetlinkSocket) -> None:
    socket.request(link.add_bridge("br9", mac=MAC, mtu=1400), link.set_alias("br9", "mine"))
    (seen,) = ip("link", "show", "br9")
    assert seen["linkinfo"]["info_kind"] == "bridge"
    assert (seen["address"], seen["mtu"], seen["ifalias"]) == (MAC, 1400, "mine")


def test_a_link_is_read_as_iproute2_reads_it(socket: NetlinkSocket) -> None:
    socket.request(link.add_bridge("br9", mac=MAC, mtu=1400), link.set_alias("br9", "mine"))
    socket.request(link.set_up("br9"))
    found = link.get(socket, "br9")
    assert found
    (seen,) = ip("link", "show", "br9")
    assert found == link.Link(seen["ifindex"], "br9", True, MAC, 1400, 0, "mine", "bridge")
    assert [one.name for one in link.dump(socket)] == ["lo", "br9"]


def test_a_link_that_is_not_there_is_none(socket: NetlinkSocket) -> None:
    assert link.get(socket, "absent") is None


def test_a_veth_pair_ends_with_the_namespace_of_its_other_end(
    socket: NetlinkSocket, own_namespace: int
) -> None:
    here = netns.open_own()
    netns.unshare()
    other = netns.open_own()
    netns.setns(here)
    os.close(here)
    peer = link.veth_peer("eth0", mac=MAC, mtu=1500, namespace=other)
    socket.request(link.add_bridge("br9", mac=MAC, mtu=1500))
    bridge = link.get(socket, "br9")
    assert bridge
    socket.request(link.add_veth("here0", master=bridge.ifindex, mtu=1500, peer=peer))
    one = link.get(socket, "here0")
    assert one
    assert not link.is_ending(socket, one)
    assert not link.is_ending(socket, bridge)
    inside = f"/proc/self/fd/{other}"
    stays = os.open(inside, os.O_RDONLY)
    os.close(other)
    assert not link.is_ending(socket, one)
    os.close(stays)
    while left := link.get(socket, "here0"):  # the kernel takes it down, soon or later
        assert link.is_ending(socket, left)


def test_a_veth_pair_is_made_across_namespaces(socket: NetlinkSocket, other_namespace: int) -> None:
    socket.request(link.add_bridge("br9", mac=MAC, mtu=1500))
    bridge = link.get(socket, "br9")
    assert bridge
    peer = link.veth_peer("eth0", mac="02:42:0a:09:00:02", mtu=1500, namespace=other_namespace)
    socket.request(
        link.add_veth("port", master=bridge.ifindex, mtu=1500, peer=peer), link.set_up("port")
    )
    (seen,) = ip("link", "show", "port")
    assert seen["linkinfo"]["info_kind"] == "veth"
    assert (seen["master"], seen["num_tx_queues"], "UP" in seen["flags"]) == ("br9", 1, True)
    netns.setns(other_namespace)
    (seen,) = ip("link", "show", "eth0")
    assert (seen["address"], seen["num_tx_queues"]) == ("02:42:0a:09:00:02", 1)


def test_a_link_without_link_local_gets_no_address_of_its_own(
    socket: NetlinkSocket, other_namespace: int
) -> None:
    socket.request(link.add_bridge("br9", mac=MAC, mtu=1500))
    socket.request(link.set_no_link_local("br9"), link.set_up("br9"))
    (seen,) = ip("link", "show", "br9")
    assert seen["inet6_addr_gen_mode"] == "none"


def test_a_port_can_be_given_to_a_bridge_later(socket: NetlinkSocket, other_namespace: int) -> None:
    for name in ("br9", "br10"):
        socket.request(link.add_bridge(name, mac=MAC, mtu=1500))
    first, second = link.get(socket, "br9"), link.get(socket, "br10")
    assert first
    assert second
    peer = link.veth_peer("eth0", mac=MAC, mtu=1500, namespace=other_namespace)
    socket.request(link.add_veth("port", master=first.ifindex, mtu=1500, peer=peer))
    socket.request(link.set_master("port", second.ifindex))
    found = link.get(socket, "port")
    assert found
    assert found.master == second.ifindex


def test_a_deleted_link_is_gone(socket: NetlinkSocket) -> None:
    socket.request(link.add_bridge("br9", mac=MAC, mtu=1500))
    socket.request(link.delete("br9"))
    assert link.get(socket, "br9") is None
