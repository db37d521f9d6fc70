"""Transactions are durable, separate, and fail alone."""

import asyncio
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lading.events import Event
from lading.state import Database, Journal, Schema, journal

SCHEMA = Schema("things", ["CREATE TABLE things (name TEXT PRIMARY KEY) STRICT"])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(str(tmp_path / "state.db"), [SCHEMA, journal.SCHEMA])
    yield database
    database.close()


def names(database: Database) -> list[str]:
    rows = database.read(lambda c: c.execute("SELECT name FROM things ORDER BY name").fetchall())
    return [name for (name,) in rows]


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    database = Database(path, [SCHEMA])
    database.write_sync(lambda c: c.execute("INSERT INTO things VALUES ('web')"))
    database.close()
    reopened = Database(path, [SCHEMA])
    assert names(reopened) == ["web"]
    reopened.close()


def test_a_failing_transaction_leaves_its_companions_alone(database: Database) -> None:
    def insert(name: str) -> asyncio.Future[None]:
        async def run() -> None:
            await database.write(lambda c: c.execute("INSERT INTO things VALUES (?)", (name,)))

        return asyncio.ensure_future(run())

    async def main() -> list[object]:
        return await asyncio.gather(
            *(insert(name) for name in ["a", "b", "a", "c"]), return_exceptions=True
        )

    results = asyncio.run(main())
    assert [type(result) for result in results] == [
        type(None),
        type(None),
        sqlite3.IntegrityError,
        type(None),
    ]
    assert names(database) == ["a", "b", "c"]


def test_what_a_failed_transaction_did_is_undone(database: Database) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO things VALUES ('half')")
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        database.write_sync(half)
    assert names(database) == []


def test_migration_runs_only_the_steps_that_are_new(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    Database(path, [SCHEMA]).close()
    grown = Schema("things", [*SCHEMA.steps, "ALTER TABLE things ADD COLUMN size INTEGER"])
    database = Database(path, [grown])
    columns = database.read(lambda c: c.execute("PRAGMA table_info(things)").fetchall())
    assert [column[1] for column in columns] == ["name", "size"]
    database.close()


def event(action: str, time_ns: int = 1) -> Event:
    return Event("container", action, "abc", {"image": "base"}, time_ns)


def test_events_are_numbered_and_replayed_in_order(database: Database) -> None:
    book = Journal(database)
    for action in ["create", "start", "die"]:
        database.write_sync(partial(journal.append, event=event(action)))
    assert [(e.sequence, e.action) for e in book.read(after=1)] == [(2, "start"), (3, "die")]


def test_first_since_points_just_before_that_time(database: Database) -> None:
    book = Journal(database)
    for time_ns in [10, 20, 30]:
        database.write_sync(partial(journal.append, event=event("start", time_ns)))
    assert [e.time_ns for e in book.read(after=book.first_since(15))] == [20, 30]
    assert book.read(after=book.first_since(31)) == []


def test_a_follower_sees_events_that_come_later(database: Database) -> None:
    async def main() -> str:
        book = Journal(database)
        follower = book.iter_follow(after=0)
        waiting = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0)
        await database.write(lambda c: journal.append(c, event("start")))
        book.wake()
        return (await waiting).action

    assert asyncio.run(main()) == "start"
