"""Pipes and terminals on the event loop: read when asked, so that back-pressure is the kernel's.

A slow client stops these reads; the pipe fills; the program at the other end waits. Nothing is
buffered here. Descriptors are made non-blocking and belong to the object that got them.
"""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterable

CHUNK = 1 << 16  # bytes per read: the capacity of a pipe


class PipeWriter:
    """The writing end of a pipe or terminal; a reader that has gone makes writes vanish."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor

    async def write(self, data: bytes) -> None:
        """Write it all, waiting for room as long as it takes."""
        view = memoryview(data)
        while view and self._descriptor >= 0:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                await wait_writable(self._descriptor)
            except OSError as error:
                if error.errno not in (errno.EPIPE, errno.EIO):
                    raise
                self.close()

    def close(self) -> None:
        """End of input for the reader; closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class PipeReader:
    """Several pipes read as one stream of (number, bytes), each until its end."""

    def __init__(self, descriptors: dict[int, int]) -> None:
        for descriptor in descriptors.values():
            os.set_blocking(descriptor, False)
        self._descriptors = descriptors

    async def iter_chunks(self) -> AsyncIterator[tuple[int, bytes]]:
        """What comes, in the order of arrival within each pipe; ends when all have ended."""
        while self._descriptors:
            idle = True
            for number, descriptor in list(self._descriptors.items()):
                data = _read(descriptor)
                if data is None:
                    continue
                idle = False
                if data:
                    yield number, data
                else:
                    os.close(self._descriptors.pop(number))
            if idle:
                await wait_readable(self._descriptors.values())

    def close(self) -> None:
        """Stop reading; writers get EPIPE."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()


def _read(descriptor: int) -> bytes | None:
    """Bytes, b"" at the end, None when there is nothing now. A terminal ends with EIO."""
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""


async def wait_readable(descriptors: Iterable[int]) -> None:
    """Return when one of them can be read (or has ended)."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    watched = list(descriptors)
    for descriptor in watched:
        loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        for descriptor in watched:
            loop.remove_reader(descriptor)


async def wait_writable(descriptor: int) -> None:
    """Return when it takes bytes again (or its reader has gone)."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(descriptor)
