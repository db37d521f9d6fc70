"""Worker threads of this room, and how coroutines use them.

Cancelling a task that waits for a thread stops the thread's work and waits for it, so nothing goes
on unseen.
"""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

from lading.images.byte_queue import ByteQueue, Lender
from lading.images.progress import Message, Progress
from lading.registry.client import Cancellation

T = TypeVar("T")

COUNT = 6  # operations at the same time; each pull has three more threads for its layers


class Workers:
    """A pool of threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(COUNT, thread_name_prefix="images")

    async def aclose(self) -> None:
        """Wait for the threads."""
        await asyncio.to_thread(self._pool.shutdown)

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function in a thread; for what takes milliseconds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, function, *arguments)

    async def run_cancellable(
        self, cancellation: Cancellation, function: Callable[..., T], *arguments: object
    ) -> T:
        """`run`; when the awaiting task is cancelled, the thread is stopped and awaited."""
        work = asyncio.ensure_future(self.run(function, *arguments))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            cancellation.cancel()
            await asyncio.wait([work])
            work.exception()  # that it was cancelled is no news
            raise

    async def run_fed(
        self,
        cancellation: Cancellation,
        queue: ByteQueue,
        chunks: AsyncIterable[bytes],
        function: Callable[..., T],
        *arguments: object,
    ) -> T:
        """`run_cancellable` of what reads the queue, while the queue is fed the chunks.

        A failure of either ends both. Chunks that can be lent are read by the thread itself.
        """
        with ExitStack() as stack:
            lent = stack.enter_context(chunks.lent()) if isinstance(chunks, Lender) else None
            if lent:
                queue.lend(lent)
            stack.enter_context(cancellation.waking(queue.abandon))
            work = self.run_cancellable(cancellation, function, *arguments)
            return await (work if lent else _fed(queue, chunks, work))


def on_loop(progress: Progress) -> Progress:
    """Messages of the threads are delivered on the event loop, in order."""
    loop = asyncio.get_running_loop()

    def forward(message: Message) -> None:
        loop.call_soon_threadsafe(progress, message)

    return forward


async def _fed(queue: ByteQueue, chunks: AsyncIterable[bytes], work: Awaitable[T]) -> T:
    feeding = asyncio.ensure_future(queue.feed(chunks))
    try:
        return await work
    finally:
        feeding.cancel()
        await asyncio.wait([feeding])
