"""One SQLite file in WAL mode with synchronous=FULL; one writer thread, readers where they are.

The idea: a transaction is a function of a connection. Functions that wait at the same time are run
by the writer thread one after the other, each under its own savepoint, and committed with ONE fsync
(group commit), so a burst of starts does not queue for the disk. What `write` returned is on disk.

A row may exist only after the bytes that it names are durable (fsync of file and directory):
that rule is kept by the rooms that write bytes, not here.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from lading.errors import SystemFault
from lading.failpoints import fp
from lading.state.reserve import Reserve

log = logging.getLogger(__name__)

T = TypeVar("T")
Transaction = Callable[[sqlite3.Connection], T]
_Job = tuple[Transaction[Any], "Future[Any]"]


class StateFull(SystemFault):
    """no space left on device: the engine cannot record the change"""


class StateUnwritable(SystemFault):
    """cannot record the change: {0}"""


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
        self._reserve = Reserve(f"{path}.reserve")
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
            waiting = [job for job in batch if not job[1].done()]
            if _is_full(error) and self._reserve.release():
                log.error("the disk is full: the engine's reserve is used up now")
                self._commit(waiting)
                return
            for _, future in waiting:
                future.set_exception(_told(error))
            return
        for future, value in done:
            future.set_result(value)
        self._reserve.renew()


def _is_full(error: BaseException) -> bool:
    """Whether SQLite had no space: on the disk, or for the journal of a file system."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _told(error: BaseException) -> BaseException:
    """What the disk says, as an error of ours; anything else as it is."""
    if _is_full(error):
        return StateFull()
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return StateUnwritable(error) if code & 0xFF == sqlite3.SQLITE_IOERR else error
