"""The numbered, persistent events: appended inside the transaction that made them true.

A subscriber is a cursor (a sequence number) over the table and a wake-up, never a queue: a slow
reader falls behind on disk and loses nothing; nor does a crash between commit and delivery.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator

import msgspec

from lading.events import Event
from lading.state.database import Database, Schema

SCHEMA = Schema(
    "events",
    [
        """
        CREATE TABLE events (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            time_ns INTEGER NOT NULL,
            type TEXT NOT NULL,
            action TEXT NOT NULL,
            actor_id TEXT NOT NULL,
            attributes BLOB NOT NULL
        ) STRICT;
        CREATE INDEX events_by_time ON events (time_ns);
        """
    ],
)
RETAINED = 100_000  # events kept; the oldest go first
PAGE = 256  # rows fetched at once by a reader


def append(connection: sqlite3.Connection, event: Event) -> None:
    """Add the event to the caller's transaction; readers see it when that commits."""
    cursor = connection.execute(
        "INSERT INTO events (time_ns, type, action, actor_id, attributes) VALUES (?, ?, ?, ?, ?)",
        (
            event.time_ns,
            event.type,
            event.action,
            event.actor_id,
            msgspec.json.encode(event.attributes),
        ),
    )
    sequence = cursor.lastrowid or 0
    if sequence % 1000 == 0:
        connection.execute("DELETE FROM events WHERE sequence <= ?", (sequence - RETAINED,))


def _lost(following: Event, count: int) -> Event:
    """Told to a reader that was so slow that events were given up before it read them."""
    attributes = {"count": str(count)}
    return Event("daemon", "events_lost", "", attributes, following.time_ns, following.sequence - 1)


class Journal:
    """Reads the events back, and follows them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Call on the event loop after a transaction with events has committed."""
        self._changed.set()
        self._changed = asyncio.Event()

    def last_sequence(self) -> int:
        """The number of the newest event, 0 when there is none."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
        row = self._database.read(lambda connection: connection.execute(query).fetchone())
        return int(row[0]) if row else 0

    def first_since(self, time_ns: int) -> int:
        """The sequence number just before the first event at or after `time_ns`."""
        query = "SELECT MIN(sequence) FROM events WHERE time_ns >= ?"
        row = self._database.read(lambda c: c.execute(query, (time_ns,)).fetchone())
        return int(row[0]) - 1 if row[0] is not None else self.last_sequence()

    def read(self, after: int) -> list[Event]:
        """At most a page of events with a sequence number greater than `after`, oldest first."""
        query = (
            "SELECT type, action, actor_id, attributes, time_ns, sequence FROM events"
            " WHERE sequence > ? ORDER BY sequence LIMIT ?"
        )
        rows = self._database.read(lambda c: c.execute(query, (after, PAGE)).fetchall())
        decode = msgspec.json.decode
        return [Event(t, a, i, decode(attrs), ns, seq) for t, a, i, attrs, ns, seq in rows]

    async def iter_follow(self, after: int) -> AsyncIterator[Event]:
        """Every event after that number, for ever, in order; the caller stops by closing."""
        while True:
            changed = self._changed  # taken before reading: a wake in between is not missed
            page = self.read(after)
            if page and page[0].sequence != after + 1:
                yield _lost(page[0], page[0].sequence - after - 1)
            for event in page:
                yield event
                after = event.sequence
            if not page:
                await changed.wait()
