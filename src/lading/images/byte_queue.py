"""Bytes from the event loop to a worker thread: bounded, without a round trip for each chunk.

The coroutine `feed` puts chunks and waits only when LIMIT bytes are unread; the thread pulls them
as a storage source with `read`.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable

LIMIT = 4 * 1024 * 1024  # bytes waiting to be read


class ByteQueue:
    """One stream. Make it on the event loop that will feed it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._condition = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._error: BaseException | None = None
        self._finished = False

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
        with self._condition:
            self._condition.wait_for(lambda: self._chunks or self._finished)
            if not self._chunks:
                if self._error:
                    raise ConnectionAbortedError("the archive's sender went away") from self._error
                return b""
            chunk = self._chunks.popleft()
            if len(chunk) > size:
                self._chunks.appendleft(chunk[size:])
                chunk = chunk[:size]
            was_full = self._size >= LIMIT
            self._size -= len(chunk)
            is_full = self._size >= LIMIT
        if was_full and not is_full:
            self._loop.call_soon_threadsafe(self._room.set)
        return chunk

    def abandon(self) -> None:
        """Wake the reader: nothing more comes."""
        self._finish(ConnectionAbortedError())

    def _put(self, chunk: bytes) -> bool:
        """Add a chunk; whether the queue is full now."""
        with self._condition:
            if chunk:
                self._chunks.append(bytes(chunk))
                self._size += len(chunk)
            if self._size >= LIMIT:
                self._room.clear()
            self._condition.notify()
            return self._size >= LIMIT

    def _finish(self, error: BaseException | None) -> None:
        with self._condition:
            self._error = error
            self._finished = True
            self._condition.notify()
