"""A pipe between two threads: one writes a stream, the other reads it as a source.

What walks a tree pushes bytes, what unpacks and compresses pulls them; this turns one into the
other with at most LIMIT chunks in between.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

CHUNK_BYTES = 256 * 1024
LIMIT = 16  # chunks in flight


class _Closed(Exception):
    """The reader has gone."""


class Pipe:
    """The reading end is a source; the other end is `write`."""

    def __init__(self) -> None:
        self._queue: queue.Queue[bytes | BaseException] = queue.Queue(LIMIT)
        self._pending = bytearray()
        self._rest = b""
        self._is_over = False
        self._is_abandoned = threading.Event()

    def write(self, data: bytes) -> None:
        """Take bytes; small pieces are gathered into chunks."""
        self._pending += data
        if len(self._pending) >= CHUNK_BYTES:
            self._put(bytes(self._pending))
            self._pending.clear()

    def read(self, size: int, /) -> bytes:
        """Raises what the writer raised."""
        if not self._rest and not self._is_over:
            item = self._queue.get()
            if isinstance(item, BaseException):
                self._is_over = True
                raise item
            self._rest = item
            self._is_over = not item
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _put(self, item: bytes | BaseException) -> None:
        while not self._is_abandoned.is_set():
            with suppress(queue.Full):
                self._queue.put(item, timeout=0.1)
                return
        raise _Closed

    def run(self, produce: Callable[[Callable[[bytes], object]], object]) -> None:
        """Write what `produce(write)` writes, then the end, or the error that it raised."""
        with suppress(_Closed):
            try:
                produce(self.write)
                if self._pending:
                    self._put(bytes(self._pending))
                self._put(b"")
            except _Closed:
                return
            except BaseException as error:
                self._put(error)

    def abandon(self) -> None:
        """The reader wants no more: the writer stops at its next chunk."""
        self._is_abandoned.set()


@contextmanager
def reading(produce: Callable[[Callable[[bytes], object]], object]) -> Iterator[Pipe]:
    """A source of what `produce(write)` writes, in a thread that ends with the block."""
    pipe = Pipe()
    thread = threading.Thread(target=pipe.run, args=(produce,), name="layer-writer", daemon=True)
    thread.start()
    try:
        yield pipe
    finally:
        pipe.abandon()
        thread.join()
