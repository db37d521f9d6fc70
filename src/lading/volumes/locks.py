"""A lock for each name of a volume, there as long as somebody has it or waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Locks:
    """Whoever makes, changes or removes a volume holds the lock of its name."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}  # with the number of who wants it

    async def acquire(self, name: str) -> None:
        """Wait for the lock; give it back by `release`."""
        lock, count = self._locks.get(name, (None, 0))
        lock = lock or asyncio.Lock()
        self._locks[name] = lock, count + 1
        try:
            await lock.acquire()
        except BaseException:
            self._want_less(name)
            raise

    def release(self, name: str) -> None:
        """Let the next one have it; a lock that nobody wants is forgotten."""
        self._locks[name][0].release()
        self._want_less(name)

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[None]:
        """Nobody else makes, changes or removes the volume meanwhile."""
        await self.acquire(name)
        try:
            yield
        finally:
            self.release(name)

    def is_held(self, name: str) -> bool:
        """Whether somebody works on the volume: it may have no row yet, or none any more."""
        return name in self._locks

    @property
    def is_any_held(self) -> bool:
        """Whether somebody works on any volume."""
        return bool(self._locks)

    def _want_less(self, name: str) -> None:
        lock, count = self._locks[name]
        if count == 1:
            del self._locks[name]
        else:
            self._locks[name] = lock, count - 1
