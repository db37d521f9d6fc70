"""Freezing containers for a moment, while something is copied that they write to.

    EXEC/frozen/ID     the container is frozen by us, not by its user

The file is there before the freeze and goes after the thaw. An engine that finds one thaws the
container: a crash in the middle of a copy leaves nobody frozen.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.record import NotRunning
from lading.containers.stopping import Stopping
from lading.errors import LadingError
from lading.failpoints import fp

log = logging.getLogger(__name__)


class Freezing:
    """Freezes containers of one engine."""

    def __init__(self, context: Context, stopping: Stopping) -> None:
        self._directory = f"{context.layout.exec_root}/frozen"
        self._stopping = stopping

    @asynccontextmanager
    async def frozen(self, containers: Sequence[Container]) -> AsyncIterator[None]:
        """Those that run do not, as long as this lasts. What was paused stays paused."""
        ours: list[Container] = []
        try:
            for container in containers:
                async with container.lock:
                    if container.record.state.status != "running":
                        continue
                    self._mark(container.id)
                    ours.append(container)
                    with suppress(NotRunning):  # it has just ended
                        await self._stopping.pause(container)
                    fp("freeze.after-pause")
            yield
        finally:
            for container in ours:
                await asyncio.shield(self._thaw(container))

    async def recover(self, containers: Sequence[Container]) -> None:
        """Thaw what an engine that died had frozen."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        marked = set(os.listdir(self._directory))
        for container in containers:
            if container.id in marked:
                log.warning("container %s was frozen for a copy: thawed", container.record.name)
                await self._thaw(container)
                marked.discard(container.id)
        for name in marked:
            self._unmark(name)

    async def _thaw(self, container: Container) -> None:
        try:
            if container.record.state.status == "paused":
                await self._stopping.unpause(container)
        except LadingError as error:  # it has ended meanwhile
            log.warning("container %s: %s", container.record.name, error)
        fp("freeze.after-thaw")
        self._unmark(container.id)

    def _mark(self, container_id: str) -> None:
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        with open(f"{self._directory}/{container_id}", "wb"):
            pass

    def _unmark(self, container_id: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(f"{self._directory}/{container_id}")
