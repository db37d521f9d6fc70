"""Bytes from a thread to the event loop: bounded, so that a slow client holds the thread up, not
the memory; and a client that goes away ends the thread.

    thread: produce(write)  --chunks, at most LIMIT bytes waiting-->  loop: async for chunk
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from concurrent.futures import Future

CHUNK = 256 * 1024
LIMIT = 4 * 1024 * 1024


class Abandoned(ConnectionAbortedError):
    """Whoever wanted the bytes has gone."""


class Download:
    """One stream. Make it on the loop; hand `write` to the thread, its future to `of`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._condition = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._pending = bytearray()  # the thread's own, until it is a chunk
        self._size = 0
        self._is_abandoned = False
        self._work: Future[None] | None = None

    def of(self, work: "Future[None]") -> Self:
        """The thread's work: when it is done the stream ends, when it fails the stream does."""
        self._work = work
        work.add_done_callback(lambda _: self._wake())
        return self

    def write(self, data: bytes) -> None:
        """Called by the thread. Raises Abandoned."""
        self._pending += data
        if len(self._pending) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Hand over what is pending; waits while too much is unread. Called by the thread."""
        with self._condition:
            self._condition.wait_for(lambda: self._size < LIMIT or self._is_abandoned)
            if self._is_abandoned:
                raise Abandoned
            self._chunks.append(bytes(self._pending))
            self._size += len(self._pending)
        self._pending.clear()
        self._wake()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The chunks; raises what the thread raised."""
        assert self._work is not None  # `of` comes first
        try:
            while True:
                self._ready.clear()
                is_done = self._work.done()  # asked before taking: what comes in between is taken
                chunks = self._take()
                for chunk in chunks:
                    yield chunk
                if is_done and not chunks:
                    self._work.result()
                    return
                if not chunks:
                    await self._ready.wait()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Nobody reads any more."""
        with self._condition:
            self._is_abandoned = True
            self._condition.notify()

    def _take(self) -> list[bytes]:
        with self._condition:
            chunks = list(self._chunks)
            self._chunks.clear()
            self._size = 0
            self._condition.notify()
        return chunks

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop was closed: so is the client
            self.abandon()
