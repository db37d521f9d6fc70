"""What goes on with volumes now: whose names are held, and what nobody waits for.

Whatever makes, changes or removes a volume holds the lock of its name. A name that nobody wants has
no lock, so there are as many as there is work.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)


class UnderWay:
    """Locks by name, and tasks in the background; on one event loop."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}  # with the number of who wants it
        self._background: set[asyncio.Task[None]] = set()

    def lock(self, name: str) -> asyncio.Lock:
        """The lock of a name, to be acquired now; give it back by `unlock`."""
        lock, count = self._locks.get(name, (None, 0))
        lock = lock or asyncio.Lock()
        self._locks[name] = lock, count + 1
        return lock

    def unlock(self, name: str) -> None:
        """Release the lock."""
        self._locks[name][0].release()
        self.give_up(name)

    def give_up(self, name: str) -> None:
        """One who wanted the lock wants it no more; one that nobody wants is forgotten."""
        lock, count = self._locks[name]
        if count == 1:
            del self._locks[name]
        else:
            self._locks[name] = lock, count - 1

    @asynccontextmanager
    async def locked(self, name: str) -> AsyncIterator[None]:
        """Nobody else makes, changes or removes the volume meanwhile."""
        try:
            await self.lock(name).acquire()
        except BaseException:
            self.give_up(name)
            raise
        try:
            yield
        finally:
            self.unlock(name)

    def is_locked(self, name: str) -> bool:
        """Whether somebody works on the volume: it may have no row yet, or none any more."""
        return name in self._locks

    @property
    def is_busy(self) -> bool:
        """Whether anything is being made, mounted, unmounted or deleted now."""
        return bool(self._locks or self._background)

    def in_background(self, work: Coroutine[object, object, None]) -> None:
        """Do what nobody waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._reap)

    async def wait_background(self, timeout_s: float) -> None:
        """Until what goes on has ended, but not longer."""
        if self._background:
            await asyncio.wait(self._background, timeout=timeout_s)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background work on a volume failed", exc_info=error)
