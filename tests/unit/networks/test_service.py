"""The service on a host of its own: real links, real rules, real packets."""

import os
import socket
import subprocess
import time
from collections.abc import Callable

import pytest
from tests.unit.networks.wire import EXTERNAL, OUTSIDE, inside

from lading.errors import InvalidArgument, NotFound, PermissionDenied, Unavailable
from lading.kernel import nftables, sysctl
from lading.kernel.netlink import NetlinkSocket, address, link, route
from lading.networks import Endpoint, Networks, Settings
from lading.networks.attaching import AttachFailed

OpenNetworks = Callable[..., Networks]


def listen(endpoint: Endpoint) -> socket.socket:
    listener = inside(endpoint.netns_fd, lambda: socket.create_server((endpoint.ip, 80)))
    listener.settimeout(20)
    return listener


def connect(netns_fd: int | None, ip: str, port: int = 80, timeout: float = 20) -> socket.socket:
    return inside(netns_fd, lambda: socket.create_connection((ip, port), timeout=timeout))


def peer_seen(listener: socket.socket, netns_fd: int | None, ip: str) -> str:
    """Connect, say a word and get it back; the address by which the listener saw the caller."""
    with connect(netns_fd, ip) as caller:
        accepted, (seen, _port) = listener.accept()
        with accepted:
            caller.sendall(b"word")
            assert accepted.recv(10) == b"word"
    return str(seen)


def links() -> set[str]:
    with NetlinkSocket() as route_socket:
        return {one.name for one in link.dump(route_socket)}


def wait_for_links(expected: set[str]) -> None:
    """The kernel takes namespaces down a while after their last descriptor is closed."""
    deadline = time.monotonic() + 30
    while links() != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    assert links() == expected


def rules() -> str:
    run = subprocess.run(["nft", "list", "ruleset"], check=True, capture_output=True, text=True)
    return run.stdout


def test_an_attached_container_has_address_gateway_and_mac_of_docker(networks: Networks) -> None:
    endpoint = networks.attach("c1")
    assert (endpoint.ip, endpoint.prefix) == ("172.17.0.2", 16)
    assert (endpoint.gateway, endpoint.mac) == ("172.17.0.1", "02:42:ac:11:00:02")
    assert (endpoint.interface, len(endpoint.id)) == ("eth0", 64)
    assert networks.endpoints("c1") == [endpoint]
    assert networks.endpoints_of(endpoint.network_id) == [endpoint]


def test_the_interface_is_as_the_endpoint_says(networks: Networks) -> None:
    endpoint = networks.attach("c1")
    route_socket = inside(endpoint.netns_fd, NetlinkSocket)
    with route_socket:
        loopback, eth0 = link.dump(route_socket)
        assert (eth0.name, eth0.mac, eth0.mtu, eth0.is_up) == ("eth0", endpoint.mac, 1500, True)
        assert loopback.is_up
        assert address.Address(eth0.ifindex, endpoint.ip, 16) in address.dump(route_socket)
        assert ("0.0.0.0", 0) in [(r.destination, r.prefix) for r in route.dump(route_socket)]


def test_no_ipv6_address_is_on_bridge_port_or_interface(networks: Networks) -> None:
    endpoint = networks.attach("c1")
    time.sleep(0.1)  # addresses of one's own come once the carrier is seen
    command = ["ip", "-6", "-o", "addr"]
    here = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    show = ["nsenter", f"--net=/proc/self/fd/{endpoint.netns_fd}", *command]
    fds = (endpoint.netns_fd or 0,)
    there = subprocess.run(show, check=True, capture_output=True, text=True, pass_fds=fds).stdout
    assert "lading0" not in here
    assert "ldg" not in here
    assert "eth0" not in there


def test_two_containers_reach_each_other_by_tcp_and_udp(networks: Networks) -> None:
    first, second = networks.attach("c1"), networks.attach("c2")
    with listen(second) as listener:
        assert peer_seen(listener, first.netns_fd, second.ip) == first.ip

    def udp() -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    with inside(first.netns_fd, udp) as sender, inside(second.netns_fd, udp) as receiver:
        receiver.settimeout(20)
        receiver.bind((second.ip, 53))
        sender.sendto(b"word", (second.ip, 53))
        assert receiver.recvfrom(10)[1][0] == first.ip


def test_the_host_reaches_a_container(networks: Networks) -> None:
    endpoint = networks.attach("c1")
    with listen(endpoint) as listener, socket.create_connection((endpoint.ip, 80), timeout=20):
        accepted, (seen, _port) = listener.accept()
        accepted.close()
    assert seen == endpoint.gateway


def test_the_outside_sees_the_address_of_the_host(networks: Networks, outside: int) -> None:
    endpoint = networks.attach("c1")
    with inside(outside, lambda: socket.create_server((OUTSIDE, 80))) as listener:
        assert peer_seen(listener, endpoint.netns_fd, OUTSIDE) == EXTERNAL


def test_without_masquerading_the_outside_sees_the_container(
    open_networks: OpenNetworks, outside: int
) -> None:
    endpoint = open_networks(Settings(ip_masq=False)).attach("c1")
    with inside(outside, lambda: socket.create_server((OUTSIDE, 80))) as listener:
        assert peer_seen(listener, endpoint.netns_fd, OUTSIDE) == endpoint.ip


def test_the_outside_does_not_reach_a_container_by_its_address(
    networks: Networks, outside: int
) -> None:
    endpoint = networks.attach("c1")
    with listen(endpoint), pytest.raises(TimeoutError):
        connect(outside, endpoint.ip, timeout=0.3)


def test_release_leaves_no_link_and_frees_the_address_last(networks: Networks) -> None:
    networks.attach("c1")
    networks.release("c1")
    networks.release("c1")
    assert networks.endpoints("c1") == []
    wait_for_links({"lo", "lading0"})
    assert networks.attach("c2").ip == "172.17.0.3"


def test_removing_everything_leaves_the_host_as_it_was(networks: Networks) -> None:
    sysctl.write("net.ipv4.ip_forward", "0")
    before = os.listdir("/proc/self/fd")
    networks.attach("c1")
    networks.attach("c2", "host")
    networks.remove_everything()
    wait_for_links({"lo"})
    assert rules() == ""
    assert sysctl.read("net.ipv4.ip_forward") == "0"
    assert os.listdir("/proc/self/fd") == before
    assert networks.attach("c1").gateway == "172.17.0.1"


def test_nothing_on_the_host_changes_before_the_first_use(networks: Networks) -> None:
    networks.reconcile(set())
    networks.attach("c1", "none")
    assert links() == {"lo"}
    assert rules() == ""


@pytest.mark.parametrize("name", ["none", "host"])
def test_none_and_host_give_no_interface(networks: Networks, name: str) -> None:
    endpoint = networks.attach("c1", name)
    assert (endpoint.netns_fd, endpoint.ip, endpoint.mac) == (None, "", "")
    assert endpoint.network_name == name
    networks.release("c1")
    assert networks.endpoints("c1") == []


def test_a_sandbox_made_beforehand_is_used_once_and_works(networks: Networks) -> None:
    networks.warm()
    networks.warm()
    first, second = networks.attach("c1"), networks.attach("c2")
    assert os.fstat(first.netns_fd or 0).st_ino != os.fstat(second.netns_fd or 0).st_ino
    with listen(second) as listener:
        assert peer_seen(listener, first.netns_fd, second.ip) == first.ip
    before = os.listdir("/proc/self/fd")
    networks.warm()
    networks.attach("c3")
    networks.release("c3")
    assert os.listdir("/proc/self/fd") == before


def test_the_predefined_networks_have_lasting_ids(open_networks: OpenNetworks) -> None:
    networks = open_networks()
    listed = [(one.name, one.driver) for one in networks.list()]
    assert listed == [("bridge", "bridge"), ("host", "host"), ("none", "null")]
    assert [one.id for one in open_networks().list()] == [one.id for one in networks.list()]


def test_a_network_is_found_by_name_id_and_beginning_of_id(networks: Networks) -> None:
    bridge_network = networks.find("bridge")
    assert networks.find("default") == bridge_network
    assert networks.find(bridge_network.id) == bridge_network
    assert networks.find(bridge_network.id[:12]) == bridge_network
    for reference in ("", "nosuch"):
        with pytest.raises(NotFound, match=f"network {reference} not found"):
            networks.find(reference)


def test_a_container_joins_a_network_once(networks: Networks) -> None:
    networks.attach("c1")
    with pytest.raises(
        PermissionDenied, match="endpoint with name c1 already exists in network bridge"
    ):
        networks.attach("c1")


def test_an_address_and_mac_of_choice_are_given(networks: Networks) -> None:
    endpoint = networks.attach("c1", ip="172.17.9.9", mac="02:00:00:00:00:99")
    assert (endpoint.ip, endpoint.mac) == ("172.17.9.9", "02:00:00:00:00:99")
    with pytest.raises(Exception, match="Address already in use"):
        networks.attach("c2", ip="172.17.9.9")
    assert networks.endpoints("c2") == []


@pytest.mark.parametrize("mac", ["02:42", "zz:42:ac:11:00:02", "02:42:ac:11:00:02:03"])
def test_a_mac_that_is_none_is_refused(networks: Networks, mac: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid MAC address"):
        networks.attach("c1", mac=mac)
    assert networks.endpoints("c1") == []


def test_a_full_pool_is_a_clear_error_and_leaves_nothing(open_networks: OpenNetworks) -> None:
    networks = open_networks(Settings(bip="10.9.0.1/30"))
    endpoint = networks.attach("c1")
    before = (links(), os.listdir("/proc/self/fd"))
    with pytest.raises(Unavailable, match=r"no available IPv4 addresses.*: bridge \("):
        networks.attach("c2")
    assert (links(), os.listdir("/proc/self/fd")) == before
    networks.release("c1")
    assert networks.attach("c2").ip == endpoint.ip


def test_a_failing_attach_undoes_everything(
    networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks.attach("c1")
    before = (links(), os.listdir("/proc/self/fd"))

    def refuse(*_: object, **__: object) -> bytes:
        return link.set_up("absent")

    monkeypatch.setattr(route, "add_default", refuse)
    with pytest.raises(AttachFailed, match=r"failed to set up container networking: .*No such dev"):
        networks.attach("c2")
    monkeypatch.undo()
    wait_for_links(before[0])
    assert os.listdir("/proc/self/fd") == before[1]
    assert networks.endpoints("c2") == []
    assert len(networks.endpoints_of(networks.find("bridge").id)) == 1


def test_a_bridge_that_somebody_deleted_is_made_again(networks: Networks) -> None:
    first = networks.attach("c1")
    with NetlinkSocket() as route_socket:
        route_socket.request(link.delete("lading0"))
    second = networks.attach("c2")
    with listen(second) as listener:  # the port of the first is a port again, too
        assert peer_seen(listener, first.netns_fd, second.ip) == first.ip


def test_after_a_restart_running_containers_go_on_and_the_others_are_freed(
    open_networks: OpenNetworks, outside: int
) -> None:
    before = open_networks()
    running, gone = before.attach("c1"), before.attach("c2")
    kept = os.dup(running.netns_fd or 0)  # as the container's first process does
    before.close()
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    subprocess.run(["ip", "link", "del", "lading0"], check=True)

    after = open_networks()
    after.reconcile({"c1"})
    (endpoint,) = after.endpoints("c1")
    assert (endpoint.id, endpoint.ip, endpoint.netns_fd) == (running.id, running.ip, None)
    assert after.endpoints("c2") == []
    assert after.attach("c3", ip=gone.ip).ip == gone.ip
    with inside(outside, lambda: socket.create_server((OUTSIDE, 80))) as listener:
        assert peer_seen(listener, kept, OUTSIDE) == EXTERNAL
    after.release("c1")
    os.close(kept)
    wait_for_links({"lo", "wire", "wire-port", "lading0", after.endpoints("c3")[0].host_interface})


def test_a_crash_after_the_lease_leaves_a_record_that_reconcile_frees(
    open_networks: OpenNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = open_networks()

    def die(_: int) -> None:
        raise SystemExit

    monkeypatch.setattr("lading.networks.attaching.sandbox.create", die)
    monkeypatch.setattr("lading.networks.leases.Leases.free", lambda *_: None)
    with pytest.raises(SystemExit):
        networks.attach("c1")
    monkeypatch.undo()
    after = open_networks()
    assert [one.ip for one in after.endpoints("c1")] == ["172.17.0.2"]
    after.reconcile(set())
    assert after.endpoints("c1") == []
    assert after.attach("c2", ip="172.17.0.2").ip == "172.17.0.2"


def test_a_kernel_without_nf_tables_is_a_warning(
    networks: Networks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(93, "Protocol not supported")

    monkeypatch.setattr(nftables, "commit", refuse)
    first, second = networks.attach("c1"), networks.attach("c2")
    (warning,) = networks.warnings()
    assert warning.startswith("no NAT and no filter, the kernel refuses nf_tables")
    assert warning in caplog.text
    with listen(second) as listener:
        assert peer_seen(listener, first.netns_fd, second.ip) == first.ip
