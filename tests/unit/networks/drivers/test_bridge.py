import subprocess
from collections.abc import Callable

import pytest

from lading.errors import InvalidArgument
from lading.kernel.netlink import NetlinkSocket, address, link
from lading.networks import Networks, Settings

OpenNetworks = Callable[..., Networks]


def make_bridge(name: str, *, ip: str = "", alias: str = "") -> None:
    """A bridge of somebody else."""
    with NetlinkSocket() as socket:
        socket.request(link.add_bridge(name, mac="02:42:00:00:00:09", mtu=1500))
        found = link.get(socket, name)
        assert found
        if alias:
            socket.request(link.set_alias(name, alias))
        if ip:
            socket.request(address.add(found.ifindex, ip, 16))


def bridge_of(networks: Networks) -> tuple[link.Link, list[str]]:
    """The default network's link and the addresses on it."""
    with NetlinkSocket() as socket:
        found = link.get(socket, networks.find("bridge").bridge)
        assert found
        return found, [a.ip for a in address.dump(socket) if a.ifindex == found.ifindex]


def test_the_link_says_whose_it_is(networks: Networks) -> None:
    networks.attach("c1")
    found, addresses = bridge_of(networks)
    assert (found.name, found.alias, found.mtu) == ("lading0", "lading:0123abcd", 1500)
    assert found.mac == "02:42:ac:11:00:01"
    assert addresses == ["172.17.0.1"]


@pytest.mark.parametrize("alias", ["", "lading:ffffffff"])
def test_a_link_of_another_owner_is_left_alone(networks: Networks, alias: str) -> None:
    make_bridge("lading0", alias=alias)
    networks.attach("c1")
    assert networks.find("bridge").bridge == "lading1"
    networks.remove_everything()
    with NetlinkSocket() as socket:
        assert link.get(socket, "lading0")
        assert link.get(socket, "lading1") is None


def test_two_engines_on_one_host_have_a_bridge_and_a_table_each(
    open_networks: OpenNetworks,
) -> None:
    first, second = open_networks(), open_networks(engine_id="ffffffff")
    first.attach("c1")
    second.release("c1")
    second.attach("c2")
    run = subprocess.run(["nft", "list", "tables"], check=True, capture_output=True, text=True)
    tables = [line for line in run.stdout.splitlines() if line.startswith("table ip ")]
    assert tables == ["table ip lading-0123abcd", "table ip lading-ffffffff"]
    assert second.find("bridge").bridge == "lading1"


def test_a_subnet_that_the_host_uses_is_skipped(open_networks: OpenNetworks) -> None:
    make_bridge("docker0", ip="172.17.0.1")
    networks = open_networks(nameserver="172.18.0.53")
    assert networks.attach("c1").ip == "172.19.0.2"


def test_the_subnet_stays_unless_the_host_has_come_to_use_it(open_networks: OpenNetworks) -> None:
    networks = open_networks()
    networks.attach("c1")
    networks.release("c1")
    subprocess.run(["ip", "link", "del", "lading0"], check=True)
    assert open_networks().attach("c1").gateway == "172.17.0.1"
    networks = open_networks()
    networks.release("c1")
    subprocess.run(["ip", "link", "del", "lading0"], check=True)
    make_bridge("docker0", ip="172.17.0.1")
    assert open_networks().attach("c1").gateway == "172.18.0.1"


def test_the_address_of_the_bridge_can_be_configured(open_networks: OpenNetworks) -> None:
    settings = Settings(
        bridge_name="web", bip="10.9.0.254/24", fixed_cidr="10.9.0.128/28", mtu=1400
    )
    networks = open_networks(settings)
    endpoint = networks.attach("c1")
    found, addresses = bridge_of(networks)
    assert (found.name, found.mtu, addresses) == ("web", 1400, ["10.9.0.254"])
    assert (endpoint.ip, endpoint.gateway) == ("10.9.0.128", "10.9.0.254")


def test_pools_can_be_configured(open_networks: OpenNetworks) -> None:
    networks = open_networks(Settings(default_address_pools=(("10.9.0.0/16", 24),)))
    assert networks.attach("c1").gateway == "10.9.0.1"


def test_an_address_of_former_settings_is_taken_from_the_bridge(
    open_networks: OpenNetworks,
) -> None:
    before = open_networks()
    before.attach("c1")
    before.release("c1")
    after = open_networks(Settings(bip="10.9.0.1/24"))
    assert after.attach("c1").ip == "10.9.0.2"
    assert bridge_of(after)[1] == ["10.9.0.1"]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(bip="nonsense"),
        Settings(bip="10.9.0.1/24", fixed_cidr="x"),
        Settings(bip="10.9.0.1/24", fixed_cidr="10.8.0.0/24"),
        Settings(bridge_name="a-name-too-long-for-a-link"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    open_networks: OpenNetworks, settings: Settings
) -> None:
    networks = open_networks(settings)
    with pytest.raises(InvalidArgument):
        networks.attach("c1")
    assert networks.endpoints("c1") == []
