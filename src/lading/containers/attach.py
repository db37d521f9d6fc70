"""Attaching to a container: output is a cursor over its log, input a pipe to its monitor.

Because output comes from the log segments, a client that stops reading costs disk, never the
container's time, and nothing is lost between the replay of old output and the live stream.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable

from lading.containers.container import Container, Run
from lading.containers.log_stream import follow
from lading.containers.pipes import PipeWriter
from lading.errors import LadingError
from lading.logs import Cursor, Record
from lading.logs.lines import marker_text


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
        self._is_from_start = replay

    async def open(self) -> None:
        """Fix the place in the log from which the output comes."""
        self._container.attachments.add(self)
        run = self._container.run
        if run is not None and not run.has_ended:
            await run.hold_log(self)
        if not self._is_from_start:
            self._cursor.seek_end()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(stream, bytes) as the container writes them, until it exits or is removed."""
        async for records in self._records():
            for record in records:
                if record.stream not in self._streams:
                    continue
                if not record.is_marker:
                    yield record.stream, record.payload
                elif not self.tty:
                    yield record.stream, marker_text(record)

    async def _records(self) -> AsyncIterator[list[Record]]:
        while self._live and self._container.run is self._earlier_run:
            if self._container.is_removed:
                return
            await self._container.wait_change()
        run = self._container.run
        if run is None or not self._live:
            for records in iter(self._cursor.read, []):
                yield records
            return
        async for records in follow(self._cursor, run, self):
            yield records

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
        self._container.attachments.discard(self)
        if self._container.run is not None:
            self._container.run.release_log(self)
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
