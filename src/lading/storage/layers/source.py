"""Sources: where bytes are pulled from, and what can be put between two of them.

A source has `read(size) -> bytes`: up to `size` bytes, and b"" only at the end; raw files
(`open(fd, "rb", buffering=0)`) are sources. Nothing seeks. Chunks of 256 KiB stay in the
processor's cache from the decompressor through the hash to write(2).
"""

import hashlib
import queue
import threading
from contextlib import suppress
from typing import Protocol, Self

CHUNK_BYTES = 256 * 1024
PREFETCH_CHUNKS = 16  # 4 MiB in flight, at most


class Source(Protocol):
    """Pull bytes: up to `size` of them, b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


class Hashing:
    """Passes bytes through, and knows their sha256 and number."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._hash = hashlib.sha256(usedforsecurity=False)
        self.size = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    def drain(self) -> None:
        """Read to the end, so that the digest is that of the whole stream."""
        while self.read(CHUNK_BYTES):
            pass

    def digest(self) -> str:
        """`sha256:<hex>` of what was read so far."""
        return f"sha256:{self._hash.hexdigest()}"


class Prefetch:
    """Reads ahead in a thread: decompression and hashing (which drop the interpreter lock) run
    beside the file system calls of whoever reads. Errors of the source are raised by `read`.

    Use as a context manager: leaving it stops the thread and waits for it.
    """

    def __init__(self, source: Source, *, chunks: int = PREFETCH_CHUNKS) -> None:
        self._source = source
        self._queue: queue.Queue[bytes | BaseException] = queue.Queue(chunks)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="layer-prefetch", daemon=True)

    def read(self, size: int, /) -> bytes:
        """The next chunk as it came from the source, whatever `size` says (it is a hint here)."""
        if self._stopped:
            return b""
        item = self._queue.get()
        if isinstance(item, BaseException):
            self._stopped = True
            raise item
        self._stopped = not item
        return item

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        while self._thread.is_alive():
            with suppress(queue.Empty):
                while True:  # make room: it may be waiting to put
                    self._queue.get_nowait()
            self._thread.join(0.01)

    def _run(self) -> None:
        try:
            while not self._stopped:
                chunk = self._source.read(CHUNK_BYTES)
                self._queue.put(chunk)
                if not chunk:
                    return
        except BaseException as error:  # raised again where the bytes are wanted
            self._queue.put(error)
