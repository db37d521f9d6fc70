"""Networks of users on a host of its own: made, joined, left and removed, with real packets."""

import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.unit.networks.test_service import links, wait_for_links
from tests.unit.networks.wire import inside

from lading.errors import InvalidArgument, LadingError, NotFound
from lading.kernel.netlink import NetlinkSocket, link
from lading.networks import Endpoint, EndpointRequest, Network, Networks
from lading.networks.options import BRIDGE, IFNAME, SYSCTLS
from lading.state import Database
from lading.wire import codec
from lading.wire.networks import NetworkCreate

OpenNetworks = Callable[..., Networks]


def create(networks: Networks, name: str, **fields: Any) -> Network:
    return networks.create(codec.decode(codec.encode({"Name": name, **fields}), NetworkCreate))


def ipam(*subnets: str, **fields: str) -> dict[str, Any]:
    return {"IPAM": {"Config": [{"Subnet": one, **fields} for one in subnets]}}


def attach(networks: Networks, container: str, *names: str) -> Sequence[Endpoint]:
    return networks.attach_all(
        container, [EndpointRequest(name, names=(container,)) for name in names]
    )


def shown(netns_fd: int | None, *words: str) -> str:
    """What `ip` says in a container."""
    command = ["nsenter", f"--net=/proc/self/fd/{netns_fd}", "ip", *words]
    run = subprocess.run(
        command, check=True, capture_output=True, text=True, pass_fds=(netns_fd or 0,)
    )
    return run.stdout


def reaches(one: Endpoint, ip: str, other: Endpoint, timeout: float = 2) -> bool:
    """Whether a connection from the one comes to the other at that address."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    listener = inside(other.netns_fd, lambda: socket.create_server((ip, 80), family=family))
    with listener:
        try:
            inside(
                one.netns_fd, lambda: socket.create_connection((ip, 80), timeout=timeout)
            ).close()
        except OSError:
            return False
        return True


def test_a_network_has_a_bridge_named_after_it_and_the_next_subnet(networks: Networks) -> None:
    made = create(networks, "web")
    assert made.bridge == f"br-{made.id[:12]}"
    assert (made.subnet, made.gateway) == ("172.18.0.0/16", "172.18.0.1")
    assert links() == {"lo", made.bridge}
    assert networks.find("web") == made
    assert networks.find("bridge").subnet == "172.17.0.0/16"
    networks.remove(made)
    assert links() == {"lo"}
    with pytest.raises(NotFound):
        networks.find("web")


def test_networks_survive_their_engine(open_networks: OpenNetworks) -> None:
    before = open_networks()
    made = create(before, "web", **ipam("10.9.0.0/24"), Labels={"a": "b"}, EnableIPv6=True)
    before.close()
    subprocess.run(["ip", "link", "delete", made.bridge], check=True)
    after = open_networks()
    assert after.find("web") == made
    after.reconcile(set())
    assert made.bridge in links()
    assert attach(after, "c1", "web")[0].ip == "10.9.0.2"


def test_a_container_is_in_several_networks_with_one_way_out(networks: Networks) -> None:
    create(networks, "a", **ipam("10.8.0.0/24"))
    create(networks, "b", **ipam("10.9.0.0/24"))
    one, two = attach(networks, "c1", "b", "a")
    assert (one.interface, two.interface) == ("eth0", "eth1")
    assert one.netns_fd == two.netns_fd
    assert "default via 10.8.0.1 dev eth1" in shown(one.netns_fd, "route")
    (other,) = attach(networks, "c2", "a")
    assert reaches(two, other.ip, other)
    assert not reaches(other, one.ip, one, timeout=0.3)  # its other network is not ours


def test_an_ipv6_network_works_at_once(networks: Networks) -> None:
    create(networks, "six", EnableIPv4=False, EnableIPv6=True, **ipam("fd00:9::/64"))
    (one,), (two,) = attach(networks, "c1", "six"), attach(networks, "c2", "six")
    assert (one.ip, one.ipv6, one.ipv6_prefix, one.ipv6_gateway) == (
        "",
        "fd00:9::2",
        64,
        "fd00:9::1",
    )
    assert reaches(one, two.ipv6, two)
    assert "tentative" not in shown(one.netns_fd, "-6", "addr")
    assert "default via fd00:9::1 dev eth0" in shown(one.netns_fd, "-6", "route")


def test_a_dual_stack_network_chooses_a_unique_local_subnet(networks: Networks) -> None:
    made = create(networks, "dual", EnableIPv6=True)
    (one,), (two,) = attach(networks, "c1", "dual"), attach(networks, "c2", "dual")
    assert made.of_family(ipv6=True)[0].subnet.startswith("fd")
    assert reaches(one, two.ip, two)
    assert reaches(one, two.ipv6, two)


def test_a_running_container_joins_and_leaves(networks: Networks) -> None:
    create(networks, "a", **ipam("10.8.0.0/24"))
    create(networks, "b", **ipam("10.9.0.0/24"))
    (first,) = attach(networks, "c1", "a")
    (other,) = attach(networks, "c2", "b")
    namespace = first.netns_fd or 0
    request = EndpointRequest("b", ("c1",), gw_priority=1, mac="02:00:00:00:00:77", ip="10.9.0.77")
    second = networks.connect("c1", request, netns_fd=namespace)
    assert (second.interface, second.ip, second.mac) == ("eth1", "10.9.0.77", "02:00:00:00:00:77")
    assert "default via 10.9.0.1 dev eth1" in shown(namespace, "route")
    assert reaches(networks.endpoints("c1")[1], other.ip, other)
    networks.disconnect(first, netns_fd=namespace)
    assert [one.network_name for one in networks.endpoints("c1")] == ["b"]
    assert "eth0" not in shown(namespace, "addr")
    networks.disconnect(networks.endpoints("c1")[0], netns_fd=os.dup(namespace))
    assert networks.endpoints("c1") == []


def test_a_join_that_fails_leaves_the_container_as_it_was(networks: Networks) -> None:
    create(networks, "a", **ipam("10.8.0.0/24"))
    create(networks, "b", **ipam("10.9.0.0/24"))
    (first,) = attach(networks, "c1", "a")
    namespace = first.netns_fd or 0
    before = shown(namespace, "-o", "addr"), shown(namespace, "route"), links()
    options = {SYSCTLS: "net.ipv4.conf.IFNAME.bogus=1"}
    with pytest.raises(InvalidArgument, match="failed to set sysctl"):
        networks.connect("c1", EndpointRequest("b", options=options), netns_fd=namespace)
    assert (shown(namespace, "-o", "addr"), shown(namespace, "route"), links()) == before
    assert networks.endpoints("c1") == [first]
    assert attach(networks, "c2", "b")[0].ip == "10.9.0.3"  # the next one: .2 is free again


def test_an_interface_has_the_name_and_the_sysctls_that_were_asked(networks: Networks) -> None:
    create(networks, "a")
    options = {IFNAME: "wan0", SYSCTLS: "net.ipv4.conf.IFNAME.log_martians=1"}
    (endpoint,) = networks.attach_all("c1", [EndpointRequest("a", options=options)])

    def read() -> str:
        with open("/proc/thread-self/net/dev") as file:
            names = file.read()
        with open("/proc/sys/net/ipv4/conf/wan0/log_martians") as file:
            return file.read().strip() if "wan0" in names else ""

    assert inside(endpoint.netns_fd, read) == "1"
    for name in ("wan0", "lo", "a/b"):
        with pytest.raises(InvalidArgument, match="invalid interface name"):
            networks.connect(
                "c1",
                EndpointRequest("bridge", options={IFNAME: name}),
                netns_fd=endpoint.netns_fd or 0,
            )


def test_an_internal_network_has_no_way_out(networks: Networks) -> None:
    create(networks, "in", Internal=True)
    (one,), (two,) = attach(networks, "c1", "in"), attach(networks, "c2", "in")
    assert (one.gateway, "default" in shown(one.netns_fd, "route")) == ("", False)
    assert reaches(one, two.ip, two)


def test_without_icc_containers_do_not_reach_each_other(networks: Networks) -> None:
    create(networks, "apart", Options={BRIDGE + "enable_icc": "false"})
    (one,), (two,) = attach(networks, "c1", "apart"), attach(networks, "c2", "apart")
    assert not reaches(one, two.ip, two, timeout=0.3)


@pytest.mark.parametrize(
    ("fields", "present"),
    [
        ({"Options": {BRIDGE + "inhibit_ipv4": "true"}}, False),
        ({"Internal": True, "Options": {BRIDGE + "gateway_mode_ipv4": "isolated"}}, False),
        ({"Internal": True}, True),
    ],
)
def test_the_host_is_in_the_network_unless_it_is_kept_out(
    networks: Networks, fields: dict[str, Any], present: bool
) -> None:
    made = create(networks, "a", **ipam("10.9.0.0/24"), **fields)
    run = subprocess.run(["ip", "addr", "show", made.bridge], capture_output=True, text=True)
    assert ("10.9.0.1/24" in run.stdout) is present


def test_a_bridge_of_the_hosts_owner_is_used_and_left(networks: Networks) -> None:
    with NetlinkSocket() as here:
        here.request(link.add_bridge("theirs", mac="02:00:00:00:00:01", mtu=1400))
    made = create(networks, "a", **ipam("10.9.0.0/24"), Options={BRIDGE + "name": "theirs"})
    (endpoint,) = attach(networks, "c1", "a")
    assert reaches(endpoint, endpoint.ip, endpoint)
    networks.release("c1")
    networks.remove(made)
    wait_for_links({"lo", "theirs"})


def test_what_clashes_is_refused_and_leaves_nothing(networks: Networks) -> None:
    made = create(networks, "a", **ipam("10.9.0.0/24"), Options={BRIDGE + "name": "br9"})
    before = links(), networks.list()
    for fields, text in [
        (ipam("10.9.0.0/16"), "Pool overlaps with other one"),
        ({"Options": {BRIDGE + "name": "br9"}}, "networks have same bridge name"),
        ({"Options": {BRIDGE + "name": "lo"}}, "cannot use link lo as a bridge"),
        ({"Options": {BRIDGE + "name": "a/b"}}, "invalid bridge name"),
        (ipam("10.7.0.0/24", "10.6.0.0/24"), "doesn't support multiple subnets"),
    ]:
        with pytest.raises(LadingError, match=text):
            create(networks, "b", **fields)
    assert (links(), networks.list()) == before
    attach(networks, "c1", "a")
    with pytest.raises(LadingError) as caught:
        networks.remove(made)
    assert caught.value.status == 403
    assert str(caught.value).startswith(
        'error while removing network: network a has active endpoints (name:"c1" id:"'
    )


def test_predefined_networks_stay(networks: Networks) -> None:
    for name in ("bridge", "host", "none"):
        with pytest.raises(LadingError, match="is a pre-defined network and cannot be removed"):
            networks.remove(networks.find(name))


def test_links_of_a_network_without_a_row_are_swept(
    open_networks: OpenNetworks, database: Database
) -> None:
    before = open_networks()
    made = create(before, "a")
    database.write_sync(lambda c: c.execute("DELETE FROM networks WHERE id = ?", (made.id,)))
    before.close()
    open_networks().reconcile(set())
    assert links() == {"lo"}


def test_an_endpoint_that_the_record_does_not_name_is_told(networks: Networks) -> None:
    create(networks, "a")
    create(networks, "b")
    _, stray = attach(networks, "c1", "a", "b")
    assert networks.reconcile({"c1"}, {"c1": {"a"}}) == {"c1": [stray]}


def test_a_new_name_is_found_and_the_old_one_is_not(networks: Networks) -> None:
    create(networks, "a")
    networks.attach_all("c1", [EndpointRequest("a", ("old", "alias", "old"))])
    networks.rename("c1", "old", "new")
    assert networks.endpoints("c1")[0].names == ("new", "alias")


def test_addresses_are_counted(networks: Networks) -> None:
    made = create(networks, "a", **ipam("10.9.0.0/24", IPRange="10.9.0.128/25"))
    attach(networks, "c1", "a")
    # network, broadcast, gateway and the container; of the range's 128 three are gone
    assert networks.status(made) == {"10.9.0.0/24": (4, 125)}


def test_a_macvlan_is_on_the_wire_of_its_parent(networks: Networks) -> None:
    with NetlinkSocket() as here:
        peer = link.veth_peer("wire1", mac="02:00:00:00:00:02", mtu=1500, namespace=own_fd())
        here.request(
            link.add_bridge("wire", mac="02:00:00:00:00:01", mtu=1500), link.set_up("wire")
        )
        wire = link.get(here, "wire")
        assert wire
        here.request(
            link.add_veth("wire0", master=wire.ifindex, mtu=1500, peer=peer),
            link.set_up("wire0"),
            link.set_up("wire1"),
        )
    made = create(
        networks, "lan", Driver="macvlan", Options={"parent": "wire1"}, **ipam("10.9.0.0/24")
    )
    (one,), (two,) = attach(networks, "c1", "lan"), attach(networks, "c2", "lan")
    assert reaches(one, two.ip, two)
    assert "macvlan" in shown(one.netns_fd, "-d", "link", "show", "eth0")
    networks.release("c1")
    networks.release("c2")
    networks.remove(made)
    assert "wire1" in links()


def own_fd() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


@pytest.mark.parametrize(
    ("driver", "options", "text"),
    [
        ("macvlan", {}, "macvlan needs a parent interface"),
        ("macvlan", {"parent": "nosuch"}, "parent interface nosuch was not found"),
        ("macvlan", {"parent": "lo.5000"}, "vlan id must be between 1-4094, received: 5000"),
        ("macvlan", {"parent": "lo", "macvlan_mode": "x"}, "requested macvlan mode 'x' is not"),
        ("ipvlan", {"parent": "lo", "ipvlan_mode": "x"}, "requested ipvlan mode 'x' is not"),
        ("ipvlan", {"parent": "lo", "ipvlan_flag": "x"}, "unknown ipvlan flag: x"),
    ],
)
def test_a_lan_that_cannot_be_is_refused(
    networks: Networks, driver: str, options: dict[str, str], text: str
) -> None:
    with pytest.raises(LadingError, match=text):
        create(networks, "lan", Driver=driver, Options=options)
    assert links() == {"lo"}
