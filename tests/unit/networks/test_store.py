from lading.networks import store
from lading.networks.records import Network, Subnet
from lading.state import Database

NETWORK = Network("n" * 64, "bridge", "bridge", 5, subnets=(Subnet("172.17.0.0/16", "172.17.0.1"),))


def test_a_network_comes_back_as_it_was(database: Database) -> None:
    database.write_sync(lambda c: store.put_network(c, NETWORK))
    assert database.read(store.list_networks) == [NETWORK]


def test_a_change_to_the_host_is_remembered_until_it_is_forgotten(database: Database) -> None:
    for value in ("on", "off", ""):
        database.write_sync(lambda c, v=value: store.put_host_change(c, "x", v))  # type: ignore[misc]
        assert database.read(lambda c: store.get_host_change(c, "x")) == value
