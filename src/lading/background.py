"""Tasks that nobody waits for: kept alive until they end, and an error is logged, not lost."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)


class Background:
    """The tasks of one service. For its event loop."""

    def __init__(self, of: str) -> None:
        self._of = of  # whose work it is, for the log
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether any of them goes on."""
        return bool(self._tasks)

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Do what nobody waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._reap)

    async def finish(self, timeout_s: float) -> None:
        """Wait for all that go on, for so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    async def cancel(self) -> None:
        """End all, and wait until they have."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background work of %s failed", self._of, exc_info=error)
