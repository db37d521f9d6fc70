"""A file without a name, in which something waits for a client that may be slow.

What must not wait for the client (frozen containers) is over before the first byte is sent, and a
crash leaves nothing.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import IO

PIECE = 1 << 20


async def spooled(
    directory: str, write: Callable[[Callable[[bytes], object]], Awaitable[object]]
) -> AsyncIterator[bytes]:
    """What `write(take)` has written; `take` may be called by threads. Raises OSError."""
    file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - closed by `_sent`
    try:
        await write(file.write)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return _sent(file)


async def _sent(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
    finally:
        file.close()


def open_directory(path: str) -> str:
    """Make the directory, and remove what a crash between two system calls may have left."""
    os.makedirs(path, mode=0o700, exist_ok=True)
    for name in os.listdir(path):
        os.unlink(f"{path}/{name}")
    return path
