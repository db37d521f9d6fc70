"""The warm spawner, kept alive: a new one is started when it has died. The engine never forks.

Losing the spawner costs nothing but the time to start it: monitors live on without it. The same is
true of the namespace server, which exists only once a container needs a user namespace.
"""

import asyncio

from lading.containers.userns import IdMap
from lading.errors import SystemFault
from lading.runtime.client import NamespaceServer, Spawner


class SpawnerFailed(SystemFault):
    """cannot start the container's monitor: {0}"""


class Launcher:
    """Hands spawn requests to the spawner, starting it when there is none."""

    def __init__(self, exec_root: str) -> None:
        self._exec_root = exec_root
        self._spawner: Spawner | None = None
        self._namespaces: NamespaceServer | None = None
        self._starting = asyncio.Lock()
        self._making = asyncio.Lock()

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

    async def make_namespaces(self, ids: IdMap, users: int | None) -> tuple[int, int]:
        """A user namespace with these ids, and a network namespace of its own: descriptors.
        `users` is one that is there already.

        Raises NoUserNamespace, SpawnerFailed.
        """
        async with self._making:
            return await asyncio.to_thread(self._make_namespaces, ids, users)

    def _make_namespaces(self, ids: IdMap, users: int | None) -> tuple[int, int]:
        for is_last in (False, True):
            if self._namespaces is None:
                self._namespaces = NamespaceServer.launch()
            try:
                return self._namespaces.make(ids.uids, ids.gids, users)
            except OSError as error:
                self._namespaces.close()
                self._namespaces = None
                if is_last:
                    raise SpawnerFailed(error) from error
        raise AssertionError("unreachable: the loop returns or raises")

    def close(self) -> None:
        """End both; containers go on."""
        if self._namespaces:
            self._namespaces.close()
            self._namespaces = None
        if self._spawner:
            self._spawner.close()
            self._spawner = None
