import sqlite3

import pytest

from lading.networks import store
from lading.networks.records import Endpoint, Network
from lading.state import Database

NETWORK = Network("n" * 64, "bridge", "bridge", 5, subnet="172.17.0.0/16", gateway="172.17.0.1")


def endpoint(number: int, *, ip: str = "", container: str = "c") -> Endpoint:
    return Endpoint(f"e{number}", NETWORK.id, NETWORK.name, container, 7, ip=ip, prefix=16)


def test_networks_and_endpoints_come_back_as_they_were(database: Database) -> None:
    database.write_sync(lambda c: store.put_network(c, NETWORK))
    database.write_sync(lambda c: store.add_endpoint(c, endpoint(1, ip="172.17.0.2")))
    assert database.read(store.list_networks) == [NETWORK]
    assert database.read(store.list_endpoints) == [endpoint(1, ip="172.17.0.2")]


def test_an_address_is_leased_once(database: Database) -> None:
    database.write_sync(lambda c: store.put_network(c, NETWORK))
    database.write_sync(lambda c: store.add_endpoint(c, endpoint(1, ip="172.17.0.2")))
    with pytest.raises(sqlite3.IntegrityError):
        database.write_sync(
            lambda c: store.add_endpoint(c, endpoint(2, ip="172.17.0.2", container="d"))
        )
    database.write_sync(lambda c: store.delete_endpoints(c, ["e1", "absent"]))
    assert database.read(store.list_endpoints) == []


def test_many_endpoints_may_have_no_address(database: Database) -> None:
    database.write_sync(lambda c: store.put_network(c, NETWORK))
    for number in range(3):
        one = endpoint(number, container=f"c{number}")
        database.write_sync(lambda c, one=one: store.add_endpoint(c, one))  # type: ignore[misc]
    assert len(database.read(store.list_endpoints)) == 3


def test_the_descriptor_of_a_sandbox_is_not_stored(database: Database) -> None:
    from msgspec.structs import replace

    database.write_sync(lambda c: store.put_network(c, NETWORK))
    database.write_sync(lambda c: store.add_endpoint(c, replace(endpoint(1), netns_fd=9)))
    assert database.read(store.list_endpoints) == [endpoint(1)]


def test_a_change_to_the_host_is_remembered_until_it_is_forgotten(database: Database) -> None:
    for value in ("on", "off", ""):
        database.write_sync(lambda c, v=value: store.put_host_change(c, "x", v))  # type: ignore[misc]
        assert database.read(lambda c: store.get_host_change(c, "x")) == value
