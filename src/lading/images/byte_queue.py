"""Bytes from the event loop to a worker thread: bounded, without a round trip for each chunk.

The coroutine `feed` puts chunks and waits only when LIMIT bytes are unread; the thread pulls them
as a storage source with `read`. It sleeps until BATCH bytes or the end are there: two threads that
wake each other for every chunk of a socket (50 KB) spend more on the interpreter's lock than on the
bytes.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

LIMIT = 4 * 1024 * 1024  # bytes waiting to be read
BATCH = 512 * 1024  # bytes that are worth waking somebody for


@runtime_checkable
class Lender(Protocol):
    """A stream whose owner can let a thread read it without the event loop."""

    def lent(self) -> AbstractContextManager["Lent | None"]:
        """A source for the time of the block, or None: then it has to be iterated."""


class Lent(Protocol):
    """A source that can be told to give up."""

    def read(self, size: int, /) -> bytes: ...
    def abandon(self) -> None: ...


class ByteQueue:
    """One stream. Make it on the event loop that will feed it.

    With `lend` the thread reads another source instead.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._condition = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._error: BaseException | None = None
        self._finished = False
        self._lent: Lent | None = None

    def lend(self, source: Lent) -> None:
        """Read from there, not from what is fed; before the thread begins."""
        self._lent = source

    async def feed(self, chunks: AsyncIterable[bytes]) -> None:
        """Put everything; what the iterator raises is raised in the reader, too."""
        try:
            async for chunk in chunks:
                if self._put(chunk):
                    await self._room.wait()
        except BaseException as error:
            self._finish(error)
            raise
        self._finish(None)

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; b"" at the end. Blocks; for the worker thread."""
        if self._lent:
            return self._lent.read(size)
        with self._condition:
            if not self._chunks:
                self._condition.wait_for(lambda: self._size >= BATCH or self._finished)
            if not self._chunks:
                if self._error:
                    raise ConnectionAbortedError("the archive's sender went away") from self._error
                return b""
            data = self._take(size)
            was_full = self._size >= LIMIT
            self._size -= len(data)
            is_full = self._size >= LIMIT
        if was_full and not is_full:
            self._loop.call_soon_threadsafe(self._room.set)
        return data

    def _take(self, size: int) -> bytes:
        """Whole chunks as far as `size` goes, or a part of the first."""
        chunk = self._chunks.popleft()
        if len(chunk) > size:
            self._chunks.appendleft(chunk[size:])
            return chunk[:size]
        taken, count = [chunk], len(chunk)
        while self._chunks and count + len(self._chunks[0]) <= size:
            taken.append(self._chunks.popleft())
            count += len(taken[-1])
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def abandon(self) -> None:
        """Wake the reader: nothing more comes."""
        if self._lent:
            self._lent.abandon()
        self._finish(ConnectionAbortedError())

    def _put(self, chunk: bytes) -> bool:
        """Add a chunk; whether the queue is full now."""
        with self._condition:
            if chunk:
                self._chunks.append(chunk)
                self._size += len(chunk)
            if self._size >= BATCH:
                self._condition.notify()
            if self._size >= LIMIT:
                self._room.clear()
            return self._size >= LIMIT

    def _finish(self, error: BaseException | None) -> None:
        with self._condition:
            self._error = error
            self._finished = True
            self._condition.notify()
