import sqlite3

import pytest

from lading.networks import store
from lading.networks.leases import Leases
from lading.networks.records import Endpoint, Network
from lading.state import Database

NETWORK = Network("n" * 64, "bridge", "bridge", 5, subnet="10.9.0.0/29", gateway="10.9.0.1")


def endpoint(number: int, *, ip: str = "") -> Endpoint:
    return Endpoint(f"e{number}", NETWORK.id, NETWORK.name, f"c{number}", 7, ip=ip)


@pytest.fixture
def leases(database: Database) -> Leases:
    database.write_sync(lambda c: store.put_network(c, NETWORK))
    return Leases(database)


def test_an_address_is_durable_when_it_is_leased(leases: Leases, database: Database) -> None:
    leased = leases.lease(NETWORK, endpoint(1))
    assert (leased.ip, leased.mac) == ("10.9.0.2", "02:42:0a:09:00:02")
    assert database.read(store.list_endpoints) == [leased]


def test_stored_addresses_are_not_given_again_after_a_restart(
    leases: Leases, database: Database
) -> None:
    leases.lease(NETWORK, endpoint(1, ip="10.9.0.3"))
    after = Leases(database)
    after.load({NETWORK.id: NETWORK})
    assert [after.lease(NETWORK, endpoint(n)).ip for n in (2, 3)] == ["10.9.0.2", "10.9.0.4"]
    assert after.containers() == ["c1", "c2", "c3"]


def test_a_lease_that_cannot_be_stored_leaves_its_address_free(
    leases: Leases, database: Database
) -> None:
    leases.lease(NETWORK, endpoint(1))
    unaware = Leases(database)
    with pytest.raises(sqlite3.IntegrityError):
        unaware.lease(NETWORK, endpoint(2))
    assert unaware.of_container("c2") == []
    leases.free(leases.of_container("c1"))
    assert unaware.lease(NETWORK, endpoint(2, ip="10.9.0.2")).ip == "10.9.0.2"


def test_freed_endpoints_are_gone_from_rows_and_memory(leases: Leases, database: Database) -> None:
    for number in range(3):
        leases.lease(NETWORK, endpoint(number))
    leases.free([*leases.of_container("c0"), *leases.of_container("c2")])
    assert [one.id for one in leases.of_network(NETWORK.id)] == ["e1"]
    assert [one.id for one in database.read(store.list_endpoints)] == ["e1"]
