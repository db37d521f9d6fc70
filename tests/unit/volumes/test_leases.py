"""Leases survive the engine, and end with their file."""

from pathlib import Path

from lading.volumes.leases import Lease, Leases


def loaded(path: Path) -> Leases:
    leases = Leases(str(path))
    leases.load()
    return leases


def test_a_lease_is_found_by_the_next_engine(tmp_path: Path) -> None:
    lease = loaded(tmp_path).add("c1", ["one", "two"])
    again = loaded(tmp_path)
    assert again.all() == [lease]
    assert again.of_container("c1") == [Lease(lease.user, ("one", "two"))]
    assert again.users_of("two") == [lease.user]


def test_a_lease_that_is_dropped_is_gone(tmp_path: Path) -> None:
    leases = loaded(tmp_path)
    leases.drop(leases.add("c1", ["one"]))
    assert (leases.all(), loaded(tmp_path).all(), list(tmp_path.iterdir())) == ([], [], [])


def test_a_forgotten_lease_counts_no_more_but_is_not_lost(tmp_path: Path) -> None:
    leases = loaded(tmp_path)
    lease = leases.add("c1", ["one"])
    leases.forget(lease)
    assert leases.users_of("one") == []
    assert leases.stray() == loaded(tmp_path).all() == [lease]


def test_a_file_that_was_not_finished_is_removed(tmp_path: Path) -> None:
    (tmp_path / "c1.00000000.new").write_text('["o')
    assert loaded(tmp_path).all() == []
    assert list(tmp_path.iterdir()) == []
