"""Removing volumes: of ours the row goes first, for bytes without a row are only garbage.

A plugin may refuse, so there the driver is asked first.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lading.errors import LadingError
from lading.failpoints import fp
from lading.state import journal
from lading.volumes import store
from lading.volumes.drivers.table import call
from lading.volumes.record import LOCAL, Volume

if TYPE_CHECKING:
    from lading.volumes.service import Volumes

log = logging.getLogger(__name__)


class Removal:
    """Works on the volumes of one engine; whoever calls it holds the volume's lock."""

    def __init__(self, volumes: "Volumes") -> None:
        self._volumes = volumes

    async def remove(self, volume: Volume, *, force: bool) -> None:
        """Remove a volume that nobody has; by force also one whose driver fails. Raises
        DriverFailed, NoSuchDriver.
        """
        if volume.driver != LOCAL:
            try:
                await self.remove_by_driver(volume)
            except LadingError:
                if not force:
                    raise
        fp("volume.before-remove")
        await self._volumes.write(lambda connection: self.delete(connection, [volume]))
        fp("volume.after-remove")
        self._volumes.forget(volume.name)
        if volume.driver == LOCAL:
            await self.remove_by_driver(volume)
            self._volumes.background.start(self.sweep())

    async def remove_damaged(self, name: str) -> None:
        """Remove what is left of a volume whose row cannot be read."""
        await self._volumes.write(lambda connection: store.delete(connection, name))
        del self._volumes.damaged[name]
        await asyncio.to_thread(self._volumes.directories.discard, name)
        self._volumes.background.start(self.sweep())

    def delete(self, connection: sqlite3.Connection, volumes: Iterable[Volume]) -> None:
        """Part of a transaction: rows of volumes that go, with their events."""
        for volume in volumes:
            store.delete(connection, volume.name)
            journal.append(connection, self._volumes.event("destroy", volume))

    async def unmake(self, volume: Volume) -> None:
        """Have the driver forget one that has no row; a failure is logged. Later: the bytes."""
        await self._try_by_driver(volume)
        self._volumes.background.start(self.sweep())

    async def discard(self, volume: Volume) -> None:
        """The same for one whose row went with its container, with the lock and to the end."""
        async with self._volumes.locks.held(volume.name):
            await self._try_by_driver(volume)
        await self.sweep()

    async def remove_by_driver(self, volume: Volume) -> None:
        """Raises NoSuchDriver, DriverFailed."""
        driver = await self._volumes.driver_of(volume)
        await call("remove", volume.name, driver.timeout_s, lambda: driver.remove(volume))

    async def sweep(self) -> None:
        """Delete the bytes of what was removed."""
        left = await asyncio.to_thread(self._volumes.directories.sweep)
        for reason in left:
            log.warning("a removed volume cannot be deleted yet: %s", reason)

    async def _try_by_driver(self, volume: Volume) -> None:
        try:
            await self.remove_by_driver(volume)
        except LadingError as error:
            log.error("volume %s: %s", volume.name, error)
