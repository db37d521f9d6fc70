from pathlib import Path

import pytest
from msgspec.structs import replace

from lading.networks.leases import Leases
from lading.networks.records import Endpoint, Network, Subnet

NETWORK = Network("n" * 64, "bridge", "bridge", 5, subnets=(Subnet("10.9.0.0/29", "10.9.0.1"),))


def endpoint(number: int, *, ip: str = "") -> Endpoint:
    return Endpoint(f"e{number}", NETWORK.id, NETWORK.name, f"c{number}", 7, ip=ip)


def opened(directory: Path) -> Leases:
    leases = Leases(str(directory))
    leases.load({NETWORK.id: NETWORK})
    return leases


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    return opened(tmp_path)


def test_a_leased_address_is_known_to_the_next_engine(leases: Leases, tmp_path: Path) -> None:
    leased = leases.lease(NETWORK, endpoint(1))
    assert (leased.ip, leased.mac) == ("10.9.0.2", "02:42:0a:09:00:02")
    assert opened(tmp_path).of_container("c1") == [leased]


def test_recorded_addresses_are_not_given_again_after_a_restart(
    leases: Leases, tmp_path: Path
) -> None:
    leases.lease(NETWORK, endpoint(1, ip="10.9.0.3"))
    after = opened(tmp_path)
    assert [after.lease(NETWORK, endpoint(n)).ip for n in (2, 3)] == ["10.9.0.2", "10.9.0.4"]
    assert after.containers() == ["c1", "c2", "c3"]


def test_a_lease_that_cannot_be_recorded_leaves_its_address_free(
    leases: Leases, tmp_path: Path
) -> None:
    tmp_path.rename(tmp_path.with_name("moved"))
    with pytest.raises(FileNotFoundError):
        leases.lease(NETWORK, endpoint(1))
    assert leases.of_container("c1") == []
    tmp_path.mkdir()
    assert leases.lease(NETWORK, endpoint(2, ip="10.9.0.2")).ip == "10.9.0.2"


def test_freed_endpoints_are_gone_from_files_and_memory(leases: Leases, tmp_path: Path) -> None:
    for number in range(3):
        leases.lease(NETWORK, endpoint(number))
    leases.free([*leases.of_container("c0"), *leases.of_container("c2")])
    assert [one.id for one in leases.of_network(NETWORK.id)] == ["e1"]
    assert [path.name for path in tmp_path.iterdir()] == ["c1"]


def test_the_descriptor_of_a_sandbox_is_not_recorded(leases: Leases, tmp_path: Path) -> None:
    leases.add(replace(endpoint(1), netns_fd=99))
    assert opened(tmp_path).of_container("c1")[0].netns_fd is None


def test_unfinished_and_damaged_files_are_nobodys_lease(leases: Leases, tmp_path: Path) -> None:
    leases.add(endpoint(1))
    (tmp_path / "c2.new").write_bytes(b"[")
    (tmp_path / "c3").write_bytes(b"not JSON")
    assert opened(tmp_path).containers() == ["c1"]
    assert not (tmp_path / "c2.new").exists()
