"""The answer to `logs`: what a container has written, and what it writes until it ends.

Old output is read and sorted out in a worker thread, about a MiB at a time and at the client's
pace; live output is in the page cache and read where it is asked for.
"""

import asyncio
import time
from collections.abc import AsyncIterator

from lading.containers.container import Container, Run
from lading.logs import Cursor, LineSelector, LogQuery, Record, tail

Text = list[tuple[int, bytes]]  # (stream, text): stream 1 for stdout and 2 for stderr


class LogStream:
    """Output of a container as `logs` gives it; iterated over once."""

    def __init__(
        self, container: Container, directory: str, query: LogQuery, *, follow: bool
    ) -> None:
        self.tty = bool(container.record.config.tty)
        self._query = query
        self._run = container.run if follow and container.record.state.is_running else None
        self._directory = directory
        self._selector = LineSelector(query, is_raw=self.tty)

    async def __aiter__(self) -> AsyncIterator[Text]:
        """Some output at a time, in order."""
        run = self._run
        try:
            if run is not None:
                await run.hold_log(self)  # first: then nothing goes while we look
            with Cursor(self._directory) as cursor:
                async for text in self._replay(cursor):
                    yield text
                if run is not None and not self._selector.is_past_until:
                    async for records in follow(cursor, run, self, until_ns=self._query.until_ns):
                        yield self._select(records)
                        if self._selector.is_past_until:
                            break
            yield list(self._selector.flush())
        finally:
            if run is not None:
                run.release_log(self)

    async def _replay(self, cursor: Cursor) -> AsyncIterator[Text]:
        """What is there already."""
        if self._query.tail == 0:
            cursor.seek_end()
            return
        beginning = await asyncio.to_thread(self._start, cursor)
        while not self._selector.is_past_until:
            text = await asyncio.to_thread(self._next, cursor, beginning)
            if text is None:
                return
            yield text

    def _next(self, cursor: Cursor, beginning: tail.Tail | None) -> Text | None:
        """What the next records give; None when there are no more."""
        records = cursor.read()
        if records and beginning is not None:
            return self._select(beginning.cut(records, cursor.position))
        return self._select(records) if records else None

    def _select(self, records: list[Record]) -> Text:
        return list(self._selector.feed(records))

    def _start(self, cursor: Cursor) -> tail.Tail | None:
        """Go to where the output that was asked for begins."""
        query = self._query
        if query.tail is None:
            cursor.seek_time(query.since_ns)
            return None
        found = tail.find(
            self._directory,
            query.tail,
            query.streams,
            since_ns=query.since_ns,
            until_ns=query.until_ns,
        )
        cursor.seek(found.position)
        return found


async def follow(
    cursor: Cursor, run: Run, reader: object, *, until_ns: int = 0
) -> AsyncIterator[list[Record]]:
    """Batches of records from the cursor on, until the run has ended and all is read, or until a
    time. What the cursor has not read yet is held for the reader.
    """
    while True:
        has_ended = run.has_ended  # asked before reading: what comes in between is read too
        records = cursor.read()
        if records:
            run.hold_log_from(reader, cursor.segment)
            yield records
        elif has_ended:
            return
        elif until_ns:
            try:
                async with asyncio.timeout((until_ns - time.time_ns()) / 1e9):
                    await run.wait_log_growth(cursor.position)
            except TimeoutError:
                return
        else:
            await run.wait_log_growth(cursor.position)
