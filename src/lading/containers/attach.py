"""Attaching to a container: output is a cursor over its log, input a pipe to its monitor.

Because output comes from the log segments, a client that stops reading costs disk, never the
container's time, and nothing is lost between the replay of old output and the live stream.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable

from lading.containers.container import Container, Run
from lading.containers.pipes import PipeWriter
from lading.errors import LadingError
from lading.logs import Cursor, LineSelector, LogQuery, Record


class LogStream:
    """Output of a container as `logs` gives it: what is there, then what comes if followed."""

    def __init__(
        self, container: Container, directory: str, query: LogQuery, *, follow: bool
    ) -> None:
        self._container = container
        self._query = query
        self._follow = follow and container.record.state.is_running
        self._run = container.run
        self._directory = directory
        self.tty = bool(container.record.config.tty)

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        """(stream, bytes), stream 1 for stdout and 2 for stderr."""
        selector = LineSelector(self._query)
        with Cursor(self._directory) as cursor:
            for line in self._replay(cursor, selector):
                yield line
            if self._follow and self._run:
                async for records in follow(cursor, self._run):
                    for line in selector.feed(records):
                        yield line
                    if selector.is_past_until:
                        break
        for line in selector.flush():
            yield line

    def _replay(self, cursor: Cursor, selector: LineSelector) -> list[tuple[int, bytes]]:
        """What is there already."""
        if self._query.tail == 0:
            cursor.seek_end()
            return []
        records = (record for batch in iter(cursor.read, []) for record in batch)
        if self._query.tail is not None:
            return list(selector.last(records))
        return list(selector.feed(records))


async def follow(cursor: Cursor, run: Run) -> AsyncIterator[list[Record]]:
    """Batches of records from the cursor on, until the run has ended and all is read."""
    while True:
        has_ended = run.has_ended  # asked before reading: what comes in between is read too
        records = cursor.read()
        if records:
            yield records
        elif has_ended:
            return
        else:
            await run.wait_log_growth(cursor.position)


class Attachment:
    """One client's attachment: output until the next exit, input through a pipe of its own."""

    def __init__(
        self,
        container: Container,
        directory: str,
        *,
        streams: frozenset[int],
        replay: bool,
        live: bool,
        stdin: PipeWriter | None,
        on_detach: Callable[[], None],
    ) -> None:
        self.tty = bool(container.record.config.tty)
        self._container = container
        self._streams = streams
        self._live = live
        self._stdin = stdin
        self._on_detach = on_detach
        run = container.run
        # attached before a start: the run to follow is the next one, however short it is
        self._earlier_run = None if run is None or not run.has_ended else run
        self._cursor = Cursor(directory)
        if not replay:
            self._cursor.seek_end()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(stream, bytes) as the container writes them, until it exits or is removed."""
        try:
            while self._live and self._container.run is self._earlier_run:
                if self._container.is_removed:
                    return
                await self._container.wait_change()
            run = self._container.run
            if run is None or not self._live:
                for records in iter(self._cursor.read, []):
                    for record in records:
                        if record.stream in self._streams:
                            yield record.stream, record.payload
                return
            async for records in follow(self._cursor, run):
                for record in records:
                    if record.stream in self._streams:
                        yield record.stream, record.payload
        finally:
            self._cursor.close()

    async def write(self, data: bytes) -> None:
        """Input for the container; ignored when its stdin was not attached."""
        if self._stdin:
            await self._stdin.write(data)

    async def write_eof(self) -> None:
        """The client's input has ended; whether the container's does is StdinOnce's matter."""
        if self._stdin:
            self._stdin.close()

    async def close(self) -> None:
        """The client is gone, by itself or by the detach keys; the container goes on."""
        self._cursor.close()
        if self._stdin:
            self._stdin.close()

    def detached(self) -> None:
        """The client typed the detach keys."""
        self._on_detach()


def open_stdin(container: Container) -> PipeWriter:
    """A pipe into the container's stdin: handed to the monitor now, or when it starts."""
    reading, writing = os.pipe()
    closes = bool(container.record.config.stdin_once)
    run = container.run
    if run and run.monitor and not run.has_ended:
        run.keep(asyncio.ensure_future(hand_over_stdin(run, reading, closes)))
    else:
        container.pending_stdin.append((reading, closes))
    return PipeWriter(writing)


async def hand_over_stdin(run: Run, descriptor: int, close_on_eof: bool) -> None:
    """Give the monitor the reading end of an attached client's input, and forget it here."""
    try:
        if run.monitor:
            await run.monitor.call("stdin", [descriptor], close_on_eof=close_on_eof)
    except LadingError:
        return  # it has exited: its input goes nowhere, as for any program that has ended
    finally:
        os.close(descriptor)
