"""Notices the death of a steward, and has another one take its place with all that it knew.

The porter and the resolver are separate processes so that the engine may die; if one of them is
killed, the engine is what brings it back: at once, not only when it is needed next.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress

from lading.kernel import pidfd
from lading.steward.client import Client

log = logging.getLogger(__name__)
Call = Callable[[Callable[[], None]], Awaitable[None]]


class Revival:
    """Watches one steward, in the event loop; `restore` runs in the thread of the networks."""

    def __init__(self, client: Client, restore: Callable[[], None], call: Call) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._restore = restore
        self._call = call
        self._process = -1
        self._task: asyncio.Task[None] | None = None
        client.on_connect = self._connected
        if client.pid:
            self._watch(client.pid)

    def close(self) -> None:
        """Stop watching."""
        self._client.on_connect = None
        self._unwatch()
        if self._task:
            self._task.cancel()

    def _connected(self, pid: int) -> None:
        """In the thread of the networks: there is a steward, perhaps another one."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._watch, pid)

    def _watch(self, pid: int) -> None:
        self._unwatch()
        try:
            self._process = pidfd.pidfd_open(pid)
        except ProcessLookupError:
            self._died()
            return
        self._loop.add_reader(self._process, self._died)

    def _unwatch(self) -> None:
        if self._process >= 0:
            self._loop.remove_reader(self._process)
            os.close(self._process)
            self._process = -1

    def _died(self) -> None:
        self._unwatch()
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._revive())

    async def _revive(self) -> None:
        log.warning("the %s has died: starting another one", self._client.name)
        try:
            await self._call(self._restore)
        except OSError as error:
            log.error("the %s cannot be started: %s", self._client.name, error)
