"""The monitor is told what the slowest reader needs, when that changes."""

from lading.containers.holds import Holds


def test_the_slowest_reader_counts_and_only_changes_are_told() -> None:
    told: list[int] = []
    holds = Holds(told.append)
    holds.set("a", 3)
    holds.set("b", 5)
    holds.set("a", 4)
    holds.set("a", 7)
    holds.release("b")
    holds.release("a")
    assert told == [3, 4, 5, 7, 0]
    assert holds.is_empty


def test_a_reader_that_has_read_nothing_needs_all() -> None:
    told: list[int] = []
    Holds(told.append).set("a", 0)
    assert told == [1]
