"""Mounting volumes for starts of containers, and unmounting them after their ends.

Plain directories need neither. For the others a start takes a lease (a file of the boot), mounts,
and gives its lease back when the container has ended. Giving back is done at once in memory and by
the driver in the background, under the volume's lock: a start that comes between holds a lease of
its own, so the mount stays.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lading.errors import LadingError
from lading.volumes.drivers.table import call
from lading.volumes.leases import Lease
from lading.volumes.record import LOCAL, NoSuchVolume, Volume

if TYPE_CHECKING:
    from lading.volumes.service import Volumes

log = logging.getLogger(__name__)


class Mounting:
    """Mounts of one engine's volumes."""

    def __init__(self, volumes: "Volumes") -> None:
        self._volumes = volumes
        self._loop = asyncio.get_running_loop()
        self.paths: dict[str, str] = {}  # where drivers of others have mounted theirs

    async def mount(self, container_id: str, names: Iterable[str]) -> dict[str, str]:
        """Make these volumes reachable for one start; their paths by name.

        What was mounted stays leased when a later one fails: call `release`.
        Raises NoSuchVolume, NoSuchDriver, CannotMount, DriverFailed.
        """
        volumes = [self._volumes.find(name) for name in dict.fromkeys(names)]
        paths = {v.name: self._volumes.path(v) for v in volumes if self._volumes.is_plain(v)}
        others = [volume for volume in volumes if volume.name not in paths]
        if not others:
            return paths
        lease = self._volumes.leases.add(container_id, [volume.name for volume in others])
        for volume in others:
            paths[volume.name] = await self._mount(volume, lease)
        return paths

    def release(self, container_id: str) -> None:
        """The container's start has ended, or failed: unmount what nobody uses any more."""
        for lease in self._volumes.leases.of_container(container_id):
            self._end(lease)

    def _end(self, lease: Lease) -> None:
        self._volumes.leases.forget(lease)
        self._volumes.background.start(self._give_back(lease))

    def give_back_soon(self, lease: Lease) -> None:
        """Unmount what is leased and should not be; from another thread."""
        self._loop.call_soon_threadsafe(self._end, lease)

    def reconcile(self, running: set[str]) -> None:
        """After a crash: give back the leases of containers that do not run."""
        for container_id in {lease.container_id for lease in self._volumes.leases.all()}:
            if container_id not in running:
                self.release(container_id)

    async def _mount(self, volume: Volume, lease: Lease) -> str:
        async with self._volumes.locks.held(volume.name):
            driver = await self._volumes.driver_of(volume)
            path = await call(
                "mount", volume.name, driver.timeout_s, lambda: driver.mount(volume, lease.user)
            )
            if volume.driver != LOCAL:
                self.paths[volume.name] = path
            return path

    async def _give_back(self, lease: Lease) -> None:
        is_done = True
        for name in lease.volumes:
            try:
                await self._unmount(name, lease)
            except NoSuchVolume:
                continue
            except LadingError as error:
                is_done = False
                log.error("volume %s is not unmounted: %s", name, error)
        if is_done:
            self._volumes.leases.drop(lease)

    async def _unmount(self, name: str, lease: Lease) -> None:
        async with self._volumes.locks.held(name):
            volume = self._volumes.find(name)
            driver = await self._volumes.driver_of(volume)
            is_last = not self._volumes.leases.users_of(name)
            await call(
                "unmount",
                name,
                driver.timeout_s,
                lambda: driver.unmount(volume, lease.user, is_last=is_last),
            )
            if is_last:
                self.paths.pop(name, None)
