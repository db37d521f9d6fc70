"""What every network driver does, with real links on a host of the test's own.

A driver is made by a function of `DRIVERS`; one whose kind of link this kernel lacks is skipped.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import pytest
from msgspec.structs import replace

from lading.kernel import netns
from lading.kernel.netlink import NetlinkSocket, address, link
from lading.networks import SCHEMA, Network, Settings, sandbox
from lading.networks.driver import Driver, NetworkGone
from lading.networks.drivers import Bridge, HostNetwork, Lan, NoNetwork
from lading.networks.firewall import Firewall
from lading.networks.records import Endpoint, Subnet
from lading.state import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ENGINE = "0123abcd"
WIRE = "wire1"  # the parent of macvlan and ipvlan
KINDS = ("bridge", "macvlan", "ipvlan", "host", "null")
OPTIONS = {"macvlan": {"parent": WIRE}, "ipvlan": {"parent": WIRE}}


class Host(NamedTuple):
    """A host, the driver on it, and what the driver needs of it."""

    driver: Driver
    kind: str
    home: int
    stack: ExitStack

    def network(self, digit: str = "a", subnet: str = "10.9.0.0/24") -> Network:
        """A network as the service hands it over: completed."""
        asked = Network(
            id=digit * 64,
            name=f"net-{digit}",
            driver=self.kind,
            created_ns=1,
            subnets=(Subnet(subnet, is_asked=True),),
            options=dict(OPTIONS.get(self.kind, {})),
        )
        return self.driver.complete(asked, [], has_endpoints=False)

    def endpoint(self, network: Network, number: int) -> Endpoint:
        identity = f"{number:x}" * 64
        return Endpoint(
            id=identity,
            network_id=network.id,
            network_name=network.name,
            container_id=f"c{number}",
            created_ns=1,
            interface="eth0",
            host_interface=f"ldg{identity[:10]}",
            ip=f"10.9.0.{number}",
            prefix=24,
            mac=f"02:42:0a:09:00:{number:02x}",
        )

    def sandbox(self) -> sandbox.Sandbox:
        made = sandbox.create(self.home)
        self.stack.callback(made.close)
        return made

    def links(self) -> set[str]:
        with NetlinkSocket() as here:
            return {one.name for one in link.dump(here)}


def make(kind: str, database: Database, stack: ExitStack) -> Driver:
    settings = Settings()
    if kind == "bridge":
        firewall = Firewall(ENGINE)
        stack.callback(firewall.close)
        return Bridge(
            database,
            engine_id=ENGINE,
            settings=settings,
            read_file=lambda _: "",
            firewall=firewall,
        )
    if kind in ("macvlan", "ipvlan"):
        return Lan(kind, engine_id=ENGINE, settings=settings, read_file=lambda _: "")
    return HostNetwork() if kind == "host" else NoNetwork()


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    with ExitStack() as stack:
        outside = netns.open_own()
        stack.callback(os.close, outside)
        netns.unshare()
        stack.callback(netns.setns, outside)
        home = netns.open_own()
        stack.callback(os.close, home)
        _lay_wire(home)
        if request.param == "ipvlan" and not _has_ipvlan(home):
            pytest.skip("this kernel has no ipvlan")
        database = Database(str(tmp_path / "state.db"), [SCHEMA])
        stack.callback(database.close)
        driver = make(request.param, database, stack)
        stack.callback(driver.close)
        yield Host(driver, request.param, home, stack)


def _lay_wire(home: int) -> None:
    """A switch with a port of which the other end is the parent."""
    with NetlinkSocket() as here:
        here.request(link.set_up("lo"), link.add_bridge("wire", mac="02:00:00:00:00:01", mtu=1500))
        switch = link.get(here, "wire")
        assert switch
        peer = link.veth_peer(WIRE, mac="02:00:00:00:00:02", mtu=1500, namespace=home)
        here.request(
            link.add_veth("wire0", master=switch.ifindex, mtu=1500, peer=peer),
            *(link.set_up(name) for name in ("wire", "wire0", WIRE)),
        )


def _has_ipvlan(home: int) -> bool:
    with NetlinkSocket() as here:
        parent = link.get(here, WIRE)
        assert parent
        request = link.add_ipvlan(
            "probe", parent=parent.ifindex, mode="l2", flag="bridge", mtu=0, namespace=home
        )
        try:
            here.request(request, link.delete("probe"))
        except OSError:
            return False
        return True


def test_completing_twice_is_completing_once(host: Host) -> None:
    network = host.network()
    assert host.driver.complete(network, [], has_endpoints=False) == network
    assert host.driver.complete(network, [], has_endpoints=True) == network


def test_completing_changes_nothing_on_the_host(host: Host) -> None:
    before = host.links()
    host.network()
    assert host.links() == before


def test_preparing_twice_is_preparing_once_and_discarding_undoes_it(host: Host) -> None:
    before, network = host.links(), host.network()
    host.driver.prepare(network, [])
    prepared = host.links()
    host.driver.prepare(network, [])
    assert host.links() == prepared
    host.driver.discard(network)
    assert host.links() == before
    host.driver.discard(network)  # what is not there is no error


def test_an_interface_arrives_down_under_its_name(host: Host) -> None:
    network = host.network()
    host.driver.prepare(network, [])
    made = host.sandbox()
    host.driver.join(network, host.endpoint(network, 2), made)
    found = link.get(made.socket, "eth0")
    if not host.driver.gives_interface:
        assert found is None
        return
    assert found is not None
    assert not found.is_up
    if host.kind != "ipvlan":  # which has its parent's
        assert found.mac == "02:42:0a:09:00:02"
    indexes = {one.ifindex for one in address.dump(made.socket)}
    assert found.ifindex not in indexes


def test_the_interface_goes_with_the_sandbox(host: Host) -> None:
    network = host.network()
    host.driver.prepare(network, [])
    before = host.links()
    made = sandbox.create(host.home)
    host.driver.join(network, host.endpoint(network, 2), made)
    made.close()
    _until(lambda: host.links() == before)


def test_who_leaves_has_no_interface_any_more(host: Host) -> None:
    network = host.network()
    host.driver.prepare(network, [])
    before, made = host.links(), host.sandbox()
    endpoint = host.endpoint(network, 2)
    host.driver.join(network, endpoint, made)
    if host.driver.gives_interface and host.kind != "ipvlan":
        found = link.get(made.socket, "eth0")
        assert found
        made.socket.request(link.rename(found.ifindex, "mine"))
    host.driver.leave(endpoint, made)
    assert [one.name for one in link.dump(made.socket)] == ["lo"]
    host.driver.leave(endpoint, made)
    host.driver.leave(endpoint, None)
    assert host.links() == before


def test_the_host_part_that_is_lost_is_told_and_made_again(host: Host) -> None:
    network = host.network()
    host.driver.prepare(network, [])
    if host.kind != "bridge":
        pytest.skip("nothing on the host is the driver's own")
    with NetlinkSocket() as here:
        here.request(link.delete(network.bridge))
    with pytest.raises(NetworkGone):
        host.driver.join(network, host.endpoint(network, 2), host.sandbox())
    host.driver.prepare(network, [])
    host.driver.join(network, host.endpoint(network, 2), host.sandbox())


def test_what_belongs_to_no_network_is_swept_and_the_rest_stays(host: Host) -> None:
    before = host.links()
    kept, gone = host.network("a"), host.network("b", "10.8.0.0/24")
    host.driver.prepare(kept, [])
    with_kept = host.links()
    host.driver.prepare(gone, [])
    host.driver.sweep([kept])
    assert host.links() == with_kept
    host.driver.remove()
    assert host.links() == before


def test_a_network_of_another_engine_is_left_alone(host: Host) -> None:
    network = host.network()
    host.driver.prepare(network, [])
    if host.kind != "bridge":
        pytest.skip("nothing on the host is the driver's own")
    with NetlinkSocket() as here:
        here.request(link.set_alias(network.bridge, "lading:ffffffff"))
    host.driver.sweep([])
    host.driver.discard(replace(network))
    assert network.bridge in host.links()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
