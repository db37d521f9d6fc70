"""One SQLite file in WAL mode with synchronous=FULL; one writer thread, readers where they are.

The idea: a transaction is a function of a connection. Functions that wait at the same time are run
by the writer thread one after the other, each under its own savepoint, and committed with ONE fsync
(group commit), so a burst of starts does not queue for the disk. What `write` returned is on disk.

A row may exist only after the bytes that it names are durable (fsync of file and directory):
that rule is kept by the rooms that write bytes, not here.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from lading.failpoints import fp

T = TypeVar("T")
Transaction = Callable[[sqlite3.Connection], T]
_Job = tuple[Transaction[Any], "Future[Any]"]


class Schema(NamedTuple):
    """What a room adds to the database: `steps[n]` brings it from version n to version n + 1."""

    room: str
    steps: Sequence[str]


def connect(path: str) -> sqlite3.Connection:
    """Open a connection the way every connection of ours is opened; transactions are explicit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def migrate(connection: sqlite3.Connection, schemas: Sequence[Schema]) -> None:
    """Bring every room's tables to their newest version, all in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (room TEXT PRIMARY KEY, version INTEGER)"
        )
        known = dict(connection.execute("SELECT room, version FROM schema_version"))
        for schema in schemas:
            for step in schema.steps[known.get(schema.room, 0) :]:
                for statement in filter(str.strip, step.split(";")):
                    connection.execute(statement)
            connection.execute(
                "INSERT OR REPLACE INTO schema_version VALUES (?, ?)",
                (schema.room, len(schema.steps)),
            )
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class Database:
    """The open state file. `write` from coroutines, `write_sync` from threads, `read` from both."""

    def __init__(self, path: str, schemas: Sequence[Schema]) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = connect(path)
        migrate(self._writer, schemas)
        self._reader = connect(path)
        self._reader.execute("PRAGMA query_only=ON")
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="state-writer", daemon=True)
        self._thread.start()

    async def write(self, transaction: Transaction[T]) -> T:
        """Run the transaction and return its value once it is durable.

        What the function raises is raised here, and nothing that it did remains.
        """
        return await asyncio.wrap_future(self._submit(transaction))

    def write_sync(self, transaction: Transaction[T]) -> T:
        """`write` for worker threads; never call it on the event loop."""
        return self._submit(transaction).result()

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on the reading connection: it sees every durable write, and is short."""
        with self._reading:
            return query(self._reader)

    def close(self) -> None:
        """Finish what is queued, then close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()

    def _submit(self, transaction: Transaction[T]) -> "Future[T]":
        future: Future[T] = Future()
        self._jobs.put((transaction, future))
        return future

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            batch, closing = [job], False
            while not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    closing = True
                    break
                batch.append(following)
            self._commit(batch)
            if closing:
                return

    def _commit(self, batch: list[_Job]) -> None:
        """One BEGIN..COMMIT for the batch; a failing member rolls back to its own savepoint."""
        done: list[tuple[Future[Any], object]] = []
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for transaction, future in batch:
                self._writer.execute("SAVEPOINT job")
                try:
                    done.append((future, transaction(self._writer)))
                except BaseException as error:  # carried to the caller, who decides
                    self._writer.execute("ROLLBACK TO job")
                    future.set_exception(error)
                self._writer.execute("RELEASE job")
            fp("state.before-commit")
            self._writer.execute("COMMIT")
            fp("state.after-commit")
        except BaseException as error:  # disk full, I/O error: everyone learns of it
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            for future in (future for _, future in batch if not future.done()):
                future.set_exception(error)
            return
        for future, value in done:
            future.set_result(value)
