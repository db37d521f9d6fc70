"""Readers of events miss nothing, and are told when they were too slow for what is kept."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lading.events import Event
from lading.state import Database, Journal, journal


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "state.db"), [journal.SCHEMA])
    yield opened
    opened.close()


def happen(database: Database, count: int) -> None:
    for number in range(count):
        event = Event("container", f"act{number}", "id", {}, number)
        database.write_sync(partial(journal.append, event=event))


def follow(database: Database, after: int, count: int) -> list[Event]:
    async def run() -> list[Event]:
        following = Journal(database).iter_follow(after)
        return [await anext(following) for _ in range(count)]

    return asyncio.run(run())


def test_a_reader_gets_every_event_once_in_order(database: Database) -> None:
    happen(database, 300)  # more than a page
    found = follow(database, 0, 300)
    assert [event.sequence for event in found] == list(range(1, 301))


def test_a_reader_that_was_too_slow_is_told_how_many_it_missed(database: Database) -> None:
    happen(database, 10)
    database.write_sync(lambda c: c.execute("DELETE FROM events WHERE sequence <= 7"))
    lost, *rest = follow(database, 2, 4)
    assert (lost.type, lost.action, lost.attributes) == ("daemon", "events_lost", {"count": "5"})
    assert [event.sequence for event in rest] == [8, 9, 10]


def test_the_oldest_go_first(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "RETAINED", 50)
    happen(database, 1000)
    assert [event.sequence for event in Journal(database).read(0)] == list(range(951, 1001))
