"""Chunks pass from the loop to a thread: all of them, in order, never too many."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from lading.images.byte_queue import LIMIT, ByteQueue

CHUNK = bytes(range(256)) * 1024


def read_all(queue: ByteQueue, size: int) -> str:
    digest = hashlib.sha256()
    while data := queue.read(size):
        assert len(data) <= size
        digest.update(data)
    return digest.hexdigest()


def test_every_byte_arrives_in_order_and_the_sender_is_held_back() -> None:
    highest = 0

    async def main() -> str:
        queue = ByteQueue()

        async def chunks() -> AsyncIterator[bytes]:
            nonlocal highest
            for _ in range(100):
                yield CHUNK
                highest = max(highest, queue._size)

        reading = asyncio.create_task(asyncio.to_thread(read_all, queue, 100_000))
        await queue.feed(chunks())
        return await reading

    assert asyncio.run(main()) == hashlib.sha256(CHUNK * 100).hexdigest()
    assert highest <= LIMIT + len(CHUNK)


def test_a_failing_sender_fails_the_reader() -> None:
    async def main() -> None:
        queue = ByteQueue()

        async def chunks() -> AsyncIterator[bytes]:
            yield b"some"
            raise OSError("network")

        reading = asyncio.create_task(asyncio.to_thread(read_all, queue, 10))
        with pytest.raises(OSError, match="network"):
            await queue.feed(chunks())
        with pytest.raises(ConnectionAbortedError):
            await reading

    asyncio.run(main())
