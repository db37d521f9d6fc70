"""One container's log on its way to a sink: a cursor that remembers how far it has come.

    segments --> Cursor --> Assembler --> sink.send   then the position is written down
                                |             |
                     unfinished lines    SinkDown: wait, open again, send the same once more

In blocking mode what is not sent yet is held in the segments (as far as they may grow), and the
container goes on. In non-blocking mode no more than `max_lag` bytes wait: the oldest are dropped,
counted, and a line says how many.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import msgspec
from msgspec import Struct

from lading.failpoints import fp
from lading.logs import segment_files
from lading.logs.chunks import Assembler, Unfinished
from lading.logs.cursor import Cursor, Record
from lading.logs.driver import Chunk, Sink, SinkDown
from lading.runtime.segments import STDERR

log = logging.getLogger(__name__)
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 10.0


class Feed(Protocol):
    """The run whose log grows."""

    @property
    def has_ended(self) -> bool: ...
    def hold_log_from(self, reader: object, segment: int) -> None: ...
    def release_log(self, reader: object) -> None: ...
    async def wait_log_growth(self, position: int) -> None: ...


class Progress(Struct):
    """What is written down: the position after what was delivered, and the lines begun by then."""

    position: int = 0
    unfinished: dict[int, Unfinished] = {}
    dropped_lines: int = 0
    dropped_bytes: int = 0


_decoder = msgspec.json.Decoder(Progress)


class Shipment:
    """Delivers one log. `path` is where the progress is kept."""

    def __init__(
        self,
        directory: str,
        path: str,
        open_sink: Callable[[], Awaitable[Sink]],
        *,
        max_lag: int = 0,
        name: str = "",
    ) -> None:
        self._directory = directory
        self._path = path
        self._open_sink = open_sink
        self._max_lag = max_lag
        self._name = name  # for the engine's log
        self._sink: Sink | None = None
        self.progress = Progress()
        with suppress(OSError, msgspec.MsgspecError), open(path, "rb") as file:
            self.progress = _decoder.decode(file.read())

    async def run(self, feed: Feed) -> None:
        """Deliver what is there and what comes, until the run has ended and all has arrived."""
        assembler = Assembler(self.progress.unfinished)
        try:
            with Cursor(self._directory) as cursor:
                cursor.seek(self.progress.position)
                await self._follow(cursor, assembler, feed)
        finally:
            feed.release_log(self)
            if self._sink is not None:
                await self._sink.close()
                self._sink = None

    async def _follow(self, cursor: Cursor, assembler: Assembler, feed: Feed) -> None:
        while True:
            has_ended = feed.has_ended  # asked before reading: what comes in between is read too
            dropped = self._drop(cursor, assembler)
            records = cursor.read()
            chunks = [*dropped, *assembler.feed(records)]
            if not records and has_ended:
                chunks += assembler.flush()
            if chunks:
                await self._deliver(chunks)
            if records:
                if not self._max_lag:
                    feed.hold_log_from(self, cursor.segment)
                self._note(cursor.position, assembler)
            elif has_ended:
                self._note(cursor.position, assembler)
                return
            else:
                await feed.wait_log_growth(cursor.position)

    async def _deliver(self, chunks: list[Chunk]) -> None:
        """Until it has succeeded. That it does not, and that it does again, is logged once each."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                if self._sink is None:
                    self._sink = await self._open_sink()
                await self._sink.send(chunks)
            except SinkDown as error:
                sink, self._sink = self._sink, None
                if sink is not None:
                    await sink.close()
                if wait_s == FIRST_WAIT_S:
                    log.warning("%s: %s; it waits in the engine's own log", self._name, error)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            else:
                if wait_s > FIRST_WAIT_S:
                    log.info("%s: the log is sent again", self._name)
                return

    def _drop(self, cursor: Cursor, assembler: Assembler) -> list[Chunk]:
        """Pass over what is too much to wait; the line that tells of it."""
        if not self._max_lag or lag(self._directory, cursor.position) <= self._max_lag:
            return []
        passed: list[Record] = []
        lines = size = 0
        while lag(self._directory, cursor.position) > self._max_lag and (passed := cursor.read()):
            size += sum(len(record.payload) for record in passed)
            lines += sum(record.payload.count(b"\n") for record in passed)
        assembler.unfinished.clear()
        self.progress.dropped_lines += lines
        self.progress.dropped_bytes += size
        time_ns = passed[-1].time_ns if passed else 0
        text = b"[lading: %d lines (%d bytes) were dropped here: the sink was too slow]\n"
        return [Chunk(STDERR, time_ns, text % (lines, size))] if size else []

    def _note(self, position: int, assembler: Assembler) -> None:
        self.progress.position = position
        self.progress.unfinished = assembler.unfinished
        temporary = self._path + ".tmp"
        fp("shipment.before-progress")
        with suppress(OSError):  # a full disk: some lines may be sent again
            with open(temporary, "wb") as file:
                file.write(msgspec.json.encode(self.progress))
            os.rename(temporary, self._path)
        fp("shipment.after-progress")


def lag(directory: str, position: int) -> int:
    """Bytes of the log after a position."""
    number, offset = position >> 32, position & 0xFFFFFFFF
    found = [n for n in segment_files.numbers(directory) if n >= number]
    sizes = [segment_files.size_of(directory, n) for n in found]
    return max(sum(sizes) - (offset if number in found else 0), 0)
