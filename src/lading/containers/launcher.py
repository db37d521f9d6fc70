"""The warm spawner, kept alive: a new one is started when it has died. The engine never forks.

Losing the spawner costs nothing but the time to start it: monitors live on without it.
"""

import asyncio

from lading.errors import SystemFault
from lading.runtime.client import Spawner


class SpawnerFailed(SystemFault):
    """cannot start the container's monitor: {0}"""


class Launcher:
    """Hands spawn requests to the spawner, starting it when there is none."""

    def __init__(self, exec_root: str) -> None:
        self._exec_root = exec_root
        self._spawner: Spawner | None = None
        self._starting = asyncio.Lock()

    async def open(self) -> None:
        """Start the spawner if it does not run, so that the first container finds it warm."""
        async with self._starting:
            if self._spawner and self._spawner.is_alive():
                return
            if self._spawner:
                self._spawner.close()
            self._spawner = await asyncio.to_thread(Spawner.launch, exec_root=self._exec_root)

    async def spawn(self, request: dict[str, object], fds: list[int]) -> int:
        """Have a monitor made; returns the engine's end of its first connection."""
        for is_last in (False, True):
            await self.open()
            try:
                assert self._spawner is not None  # open() has set it
                return self._spawner.spawn(request, fds)
            except OSError as error:
                if is_last:
                    raise SpawnerFailed(error) from error
        raise AssertionError("unreachable: the loop returns or raises")

    def close(self) -> None:
        """End the spawner; containers go on."""
        if self._spawner:
            self._spawner.close()
            self._spawner = None
