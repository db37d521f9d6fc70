"""Who reaches a published port, from where, by which address of the host: the whole matrix."""

import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from tests.unit.networks.ports.conftest import (
    CONTAINER,
    Echo,
    is_served,
    is_silent,
)
from tests.unit.networks.wire import EXTERNAL, OUTSIDE, inside

from lading.kernel import sysctl
from lading.networks import EndpointRequest, Networks, Settings
from lading.networks.ports import Wish
from lading.wire.networks import IPAM, IPAMPool, NetworkCreate

OpenNetworks = Callable[..., Networks]
Serve = Callable[..., Echo]
GATEWAY, TARGET, NEIGHBOUR = "172.17.0.1", "172.17.0.2", "172.17.0.3"
EVERYWHERE = [Wish(protocol, 80, "", 8080, 8080) for protocol in ("tcp", "udp")]
# whom the container sees
MATRIX = {
    ("host", "127.0.0.1"): GATEWAY,
    ("host", "127.1.2.3"): GATEWAY,
    ("host", "::1"): GATEWAY,
    ("host", GATEWAY): GATEWAY,
    ("host", EXTERNAL): EXTERNAL,
    ("outside", EXTERNAL): OUTSIDE,
    ("outside", GATEWAY): OUTSIDE,
    ("neighbour", GATEWAY): GATEWAY,
    ("neighbour", EXTERNAL): GATEWAY,
    ("itself", GATEWAY): GATEWAY,
    ("itself", EXTERNAL): GATEWAY,
}
CALLS = "net.bridge.bridge-nf-call-iptables"


@pytest.mark.parametrize("bridged", ["0", "1"])
def test_a_published_port_is_reached_from_everywhere(
    networks: Networks, outside: int, serve: Serve, bridged: str
) -> None:
    with suppress(FileNotFoundError):
        sysctl.write(CALLS, bridged)
    target, neighbour = networks.attach(CONTAINER), networks.attach("other")
    networks.publish(CONTAINER, "web", EVERYWHERE)
    serve(target)
    fds = {"outside": outside, "neighbour": neighbour.netns_fd, "itself": target.netns_fd}
    seen = {}
    for (origin, to), _ in MATRIX.items():
        for protocol in ("tcp", "udp"):
            ask = partial(is_served, protocol, (to, 8080))
            seen[origin, to, protocol] = ask() if origin == "host" else inside(fds[origin], ask)
    assert seen == {
        (*key, protocol): who for key, who in MATRIX.items() for protocol in ("tcp", "udp")
    }


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_nothing_but_what_is_published_is_reached_from_outside(
    networks: Networks, outside: int, serve: Serve, protocol: str
) -> None:
    target, other = networks.attach(CONTAINER), networks.attach("other")
    networks.publish(CONTAINER, "web", [Wish(protocol, 80, "127.0.0.1", 8080, 8080)])
    serve(target)
    serve(other)
    assert is_served(protocol, ("127.0.0.1", 8080)) == GATEWAY
    assert is_silent(protocol, (EXTERNAL, 8080))
    for to in ((EXTERNAL, 8080), (TARGET, 80), (NEIGHBOUR, 80)):
        assert inside(outside, partial(is_silent, protocol, to))


def test_a_loopback_that_is_published_stays_the_hosts_own(
    networks: Networks, outside: int, serve: Serve
) -> None:
    """Neither a container nor the outside gets to 127.0.0.1, though its bridge may be routed."""
    target = networks.attach(CONTAINER)
    networks.publish(CONTAINER, "web", [Wish("tcp", 80, "127.0.0.1", 8080, 8080)])
    serve(target)
    with socket.create_server(("127.0.0.1", 9000)) as private:
        private.settimeout(0)
        for fd, gateway in ((target.netns_fd, GATEWAY), (outside, EXTERNAL)):

            def ask(port: int, gateway: str = gateway) -> str:
                import subprocess

                words = ["ip", "route", "replace", "local", "127.0.0.1", "dev", "lo"]
                subprocess.run(["ip", "route", "del", *words[3:], "table", "local"], check=False)
                route = ["ip", "route", "replace", "127.0.0.1", "via", gateway]
                subprocess.run(route, check=True)
                sysctl.write("net.ipv4.conf.all.route_localnet", "1")
                return is_served("tcp", ("127.0.0.1", port), 0.4)

            assert inside(fd, lambda: ask(9000)) == ""
            assert inside(fd, lambda: ask(8080)) == ""
        with pytest.raises(BlockingIOError):
            private.accept()


def test_the_named_loopback_addresses_are_apart(networks: Networks, serve: Serve) -> None:
    first, second = networks.attach(CONTAINER), networks.attach("other")
    networks.publish(CONTAINER, "web", [Wish("tcp", 80, "127.0.0.2", 8080, 8080)])
    networks.publish("other", "web2", [Wish("tcp", 81, "127.0.0.3", 8080, 8080)])
    serve(first)
    serve(second, 81)
    assert is_served("tcp", ("127.0.0.2", 8080)) == GATEWAY
    assert is_served("tcp", ("127.0.0.3", 8080)) == GATEWAY
    assert is_silent("tcp", ("127.0.0.1", 8080))


def test_only_listed_sources_may_come_from_outside(
    networks: Networks, outside: int, serve: Serve
) -> None:
    target, neighbour = networks.attach(CONTAINER), networks.attach("other")
    networks.publish(
        CONTAINER,
        "web",
        [
            Wish("tcp", 80, "", 8080, 8080, (f"{OUTSIDE}/32",)),
            Wish("tcp", 80, "", 8081, 8081, ("198.51.100.0/24",)),
            Wish("udp", 80, EXTERNAL, 8082, 8082, ("198.51.100.0/24",)),
        ],
    )
    serve(target)
    assert inside(outside, lambda: is_served("tcp", (EXTERNAL, 8080))) == OUTSIDE
    assert inside(outside, lambda: is_silent("tcp", (EXTERNAL, 8081)))
    assert inside(outside, lambda: is_silent("udp", (EXTERNAL, 8082)))
    assert inside(neighbour.netns_fd, lambda: is_silent("tcp", (EXTERNAL, 8080)))
    for to in (("127.0.0.1", 8081), ("::1", 8081), (EXTERNAL, 8081)):
        assert is_served("tcp", to) != ""  # the host itself always may
    assert is_served("udp", (EXTERNAL, 8082)) == EXTERNAL


def test_without_packet_filter_everything_is_relayed(
    published_networks: OpenNetworks, outside: int, serve: Serve
) -> None:
    networks = published_networks(Settings(iptables=False))
    target = networks.attach(CONTAINER)
    networks.publish(CONTAINER, "web", EVERYWHERE)
    serve(target)
    for protocol in ("tcp", "udp"):
        for to in ("127.0.0.1", "::1", EXTERNAL, GATEWAY):
            assert is_served(protocol, (to, 8080)) == GATEWAY
        assert inside(outside, partial(is_served, protocol, (EXTERNAL, 8080))) == GATEWAY


def test_without_relay_the_ipv6_loopback_is_not_published(
    published_networks: OpenNetworks, serve: Serve
) -> None:
    networks = published_networks(Settings(userland_proxy=False))
    serve(networks.attach(CONTAINER))
    made = networks.publish(CONTAINER, "web", EVERYWHERE)
    assert {one.address for one in made} == {"0.0.0.0"}
    assert is_served("tcp", ("127.0.0.1", 8080)) == GATEWAY
    assert is_silent("tcp", ("::1", 8080))


def test_direct_routing_can_be_allowed(
    published_networks: OpenNetworks, outside: int, serve: Serve
) -> None:
    networks = published_networks(Settings(allow_direct_routing=True))
    serve(networks.attach(CONTAINER))
    assert inside(outside, lambda: is_served("tcp", (TARGET, 80))) == OUTSIDE


def test_without_icc_neighbours_meet_at_published_ports_only(
    published_networks: OpenNetworks, serve: Serve
) -> None:
    networks = published_networks(Settings(icc=False))
    target, neighbour = networks.attach(CONTAINER), networks.attach("other")
    networks.publish(CONTAINER, "web", EVERYWHERE)
    serve(target)
    assert inside(neighbour.netns_fd, lambda: is_silent("tcp", (TARGET, 80)))
    assert inside(neighbour.netns_fd, lambda: is_served("tcp", (GATEWAY, 8080))) == GATEWAY


def test_a_flow_of_datagrams_goes_where_the_port_goes_now(
    networks: Networks, outside: int, serve: Serve
) -> None:
    """Its packets come one after the other, so no rule would look at them again."""
    first, second = networks.attach(CONTAINER), networks.attach("other")
    serve(first)
    serve(second, 81)

    def open_flow() -> socket.socket:
        flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        flow.settimeout(0.4)
        flow.bind((OUTSIDE, 7000))
        flow.connect((EXTERNAL, 8080))
        return flow

    def ask(flow: socket.socket) -> str:
        try:
            flow.send(b"?")
            return flow.recv(100).decode()
        except OSError:
            return ""

    with inside(outside, open_flow) as flow:
        assert ask(flow) == ""
        networks.publish(CONTAINER, "web", [Wish("udp", 80, "", 8080, 8080)])
        assert ask(flow) == OUTSIDE
        networks.release(CONTAINER)
        assert ask(flow) == ""
        networks.publish("other", "web2", [Wish("udp", 81, "", 8080, 8080)])
        assert ask(flow) == OUTSIDE


def make_network(
    networks: Networks,
    name: str,
    *subnets: str,
    internal: bool = False,
    options: dict[str, str] | None = None,
) -> None:
    networks.create(
        NetworkCreate(
            name=name,
            ipam=IPAM(config=[IPAMPool(subnet=subnet) for subnet in subnets]),
            enable_ipv6=any(":" in subnet for subnet in subnets),
            internal=internal,
            options=options,
        )
    )


def test_a_container_with_ipv6_is_reached_by_ipv6(networks: Networks, serve: Serve) -> None:
    make_network(networks, "six", "10.9.0.0/24", "fd00:9::/64")
    target = networks.attach(CONTAINER, "six")
    neighbour = networks.attach("other", "six")
    made = networks.publish(CONTAINER, "web", EVERYWHERE)
    assert {(one.address, one.target, one.is_redirected) for one in made} == {
        ("0.0.0.0", target.ip, True),
        ("::", target.ipv6, True),
    }
    serve(target)
    for protocol in ("tcp", "udp"):
        assert is_served(protocol, ("fd00:9::1", 8080)) == "fd00:9::1"
        assert is_served(protocol, ("::1", 8080)) == "fd00:9::1"
        assert is_served(protocol, ("127.0.0.1", 8080)) == "10.9.0.1"
        by_gateway = partial(is_served, protocol, ("fd00:9::1", 8080))
        assert inside(neighbour.netns_fd, by_gateway) == "fd00:9::1"
        assert inside(target.netns_fd, by_gateway) == "fd00:9::1"


def test_networks_are_apart_but_for_what_is_published(networks: Networks, serve: Serve) -> None:
    make_network(networks, "front", "10.9.0.0/24")
    make_network(networks, "inner", "10.8.0.0/24", internal=True)
    target, other = networks.attach(CONTAINER, "front"), networks.attach("other")
    hidden = networks.attach("hidden", "inner")
    networks.publish(CONTAINER, "web", EVERYWHERE)
    assert networks.publish("hidden", "hidden", [Wish("tcp", 80, "", 8081, 8081)]) == []
    serve(target)
    serve(hidden)
    assert inside(other.netns_fd, lambda: is_silent("tcp", (target.ip, 80)))
    assert inside(other.netns_fd, lambda: is_silent("tcp", (hidden.ip, 80)))
    assert inside(hidden.netns_fd, lambda: is_silent("tcp", (target.ip, 80)))
    assert inside(other.netns_fd, lambda: is_served("tcp", ("10.9.0.1", 8080))) != ""
    assert is_served("tcp", (hidden.ip, 80)) == "10.8.0.1"  # the host is not outside


def test_a_routed_network_opens_just_the_published_ports(
    networks: Networks, outside: int, serve: Serve
) -> None:
    mode = {"com.docker.network.bridge.gateway_mode_ipv4": "routed"}
    make_network(networks, "routed", "10.9.0.0/24", options=mode)
    target = networks.attach(CONTAINER, "routed")
    [made] = networks.publish(CONTAINER, "web", [Wish("tcp", 80, "0.0.0.0", 8080, 8080)])
    assert (made.is_open, made.port) == (True, 0)
    serve(target)
    serve(target, 81)
    assert inside(outside, lambda: is_served("tcp", (target.ip, 80))) == OUTSIDE
    assert inside(outside, lambda: is_silent("tcp", (target.ip, 81)))
    networks.release(CONTAINER)
    networks.attach("other", "routed", ip=target.ip)
    assert inside(outside, lambda: is_silent("tcp", (target.ip, 80)))


def test_ports_follow_the_network_that_is_the_way_out(networks: Networks, serve: Serve) -> None:
    make_network(networks, "first", "10.9.0.0/24")
    make_network(networks, "second", "10.8.0.0/24")
    target = networks.attach(CONTAINER, "first")
    [made] = networks.publish(CONTAINER, "web", [Wish("tcp", 80, "127.0.0.1")])
    fd = target.netns_fd
    assert fd is not None
    request = EndpointRequest("second")
    second = networks.connect(CONTAINER, request, netns_fd=fd)
    assert [one.target for one in networks.ports.of(CONTAINER)] == [target.ip]
    serve(target)
    assert is_served("tcp", ("127.0.0.1", made.port)) == "10.9.0.1"
    networks.disconnect(target, netns_fd=fd)
    [moved] = networks.ports.of(CONTAINER)
    assert (moved.target, moved.port) == (second.ip, made.port)
    assert is_served("tcp", ("127.0.0.1", made.port)) == "10.8.0.1"


def test_ports_are_reached_again_once_a_lost_bridge_is_made_anew(
    networks: Networks, serve: Serve
) -> None:
    target = networks.attach(CONTAINER)
    networks.publish(CONTAINER, "web", EVERYWHERE)
    serve(target)
    subprocess.run(["ip", "link", "delete", "lading0"], check=True)
    assert is_silent("tcp", ("127.0.0.1", 8080))
    networks.attach("other")
    for to in ("127.0.0.1", "::1", GATEWAY):
        assert is_served("tcp", (to, 8080)) == GATEWAY
    assert inside(target.netns_fd, lambda: is_served("tcp", (GATEWAY, 8080))) == GATEWAY
