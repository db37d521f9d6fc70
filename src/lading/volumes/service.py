"""Volumes: the verbs of the API's tag Volume, and what containers need of volumes.

Records are in memory and in the database; who uses a volume is not stored here but asked of the
containers (`users`), so no count can be wrong. Whatever changes a volume holds the lock of its
name. A row exists only after the bytes that it names are durable, and bytes without a row are
garbage that the next start removes.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from lading import names as generated
from lading.background import Background
from lading.errors import LadingError
from lading.events import Event
from lading.failpoints import fp
from lading.state import Database, Journal, journal
from lading.volumes import store
from lading.volumes.claim import Claim
from lading.volumes.copies import Copies
from lading.volumes.directories import Directories
from lading.volumes.driver import Driver
from lading.volumes.drivers import local_options
from lading.volumes.drivers.local import LocalDriver
from lading.volumes.drivers.plugins import Plugins
from lading.volumes.drivers.table import Table, call
from lading.volumes.leases import Leases
from lading.volumes.locks import Locks
from lading.volumes.mounting import Mounting
from lading.volumes.record import (
    ANONYMOUS_LABEL,
    LOCAL,
    NameTaken,
    NoSuchDriver,
    NoSuchVolume,
    Volume,
    VolumeInUse,
)
from lading.volumes.removal import Removal

log = logging.getLogger(__name__)


class Volumes:
    """The volumes of one engine."""

    def __init__(
        self,
        database: Database,
        events: Journal,
        *,
        data_root: str,
        exec_root: str,
        plugins: Plugins | None = None,
        users: Callable[[str], Sequence[str]] = lambda name: (),
    ) -> None:
        self._database = database
        self._journal = events
        self.users = users  # ids of the containers that have the volume, running or not
        self.directories = Directories(f"{data_root}/volumes")
        self.leases = Leases(f"{exec_root}/volumes")
        built_in: dict[str, Driver] = {LOCAL: LocalDriver(self.directories)}
        place = f"{data_root}/volume-drivers"
        self.drivers = Table(built_in, plugins or Plugins(), lambda name: _made(f"{place}/{name}"))
        self.mounting = Mounting(self)
        self.copies = Copies(self)
        self.damaged: dict[str, str] = {}
        self._volumes: dict[str, Volume] = {}
        self.locks = Locks()
        self.background = Background("volumes")
        self._removal = Removal(self)

    async def open(self) -> None:
        """Load the records, and settle what a crash has left in directories."""
        volumes, self.damaged = self._database.read(store.load)
        for reason in self.damaged.values():
            log.error("%s", reason)
        self._volumes = {volume.name: volume for volume in volumes}
        local = {volume.name for volume in volumes if volume.driver == LOCAL}
        for volume in volumes:
            if volume.renamed_from:
                self.directories.finish_rename(volume.renamed_from, volume.name)
                await self.settle_rename(volume)
        await asyncio.to_thread(self.directories.open, local | self.damaged.keys())
        self.leases.load()

    async def aclose(self) -> None:
        """Let what goes on in the background end; what is mounted stays so."""
        await self.background.finish(timeout_s=10)
        self.drivers.close()

    # --- the verbs ----------------------------------------------------------------------------

    def all(self) -> list[Volume]:
        """Every volume, by name."""
        return [self._volumes[name] for name in sorted(self._volumes)]

    def has(self, name: str) -> bool:
        """Whether there is such a volume."""
        return name in self._volumes

    def find(self, name: str) -> Volume:
        """Raises NoSuchVolume."""
        volume = self._volumes.get(name)
        if volume is None:
            raise NoSuchVolume(name)
        return volume

    async def create(
        self,
        name: str,
        driver: str,
        options: dict[str, str] | None,
        labels: dict[str, str] | None,
    ) -> Volume:
        """Make a volume; one that is there already is returned as it is.

        Raises NoSuchDriver, NameTaken, InvalidArgument, DriverFailed.
        """
        if not name:
            name = generated.new_id()
            labels = {**(labels or {}), ANONYMOUS_LABEL: ""}
        async with self.claim([name]) as claim:
            volume = await claim.use(name, driver, options, labels)
            if name not in self._volumes:
                fp("volume.before-row")
                await self.write(claim.insert)
                claim.keep()
                fp("volume.after-row")
            return volume

    async def remove(self, name: str, *, force: bool = False) -> None:
        """Remove a volume that no container has. By force a missing one is no error, and one whose
        driver fails is forgotten. Raises NoSuchVolume, VolumeInUse, DriverFailed.
        """
        async with self.locks.held(name):
            try:
                volume = self.find(name)
            except NoSuchVolume:
                if name in self.damaged:
                    await self._removal.remove_damaged(name)
                    return
                if force:
                    return
                raise
            if users := self.users(name):
                raise VolumeInUse(name, ", ".join(users))
            await self._removal.remove(volume, force=force)

    async def prune(self, chosen: Sequence[Volume]) -> tuple[list[str], int]:
        """Remove these as far as nobody has them by now; their names, and the bytes they had."""
        removed, freed = [], 0
        for volume in chosen:
            size = max(await self.size(volume), 0)
            try:
                await self.remove(volume.name)
            except LadingError as error:
                log.warning("volume %s is not pruned: %s", volume.name, error)
                continue
            removed.append(volume.name)
            freed += size
        event = Event("volume", "prune", "", {"reclaimed": str(freed)}, time.time_ns())
        await self.write(lambda connection: journal.append(connection, event))
        return removed, freed

    async def size(self, volume: Volume) -> int:
        """Bytes of a plain volume, -1 of one that a driver keeps or a file system is mounted on."""
        if not self.is_plain(volume):
            return -1
        return await asyncio.to_thread(self.directories.size, volume.name)

    async def status(self, volume: Volume) -> dict[str, object]:
        """What the driver tells; {} when it cannot be asked."""
        try:
            driver = await self.driver_of(volume)
            return await call("get", volume.name, driver.timeout_s, lambda: driver.status(volume))
        except LadingError as error:
            log.warning("volume %s: %s", volume.name, error)
            return {}

    def path(self, volume: Volume) -> str:
        """Where the content is, or will be; "" if the driver does not know."""
        if volume.driver == LOCAL:
            return self.directories.path(volume.name)
        return self.mounting.paths.get(volume.name, "")

    def path_of(self, name: str) -> str:
        """The path of the volume of that name, "" if there is none."""
        return self.path(self._volumes[name]) if name in self._volumes else ""

    def is_plain(self, volume: Volume) -> bool:
        """Whether it is a directory of ours with nothing mounted on it."""
        options = volume.options or {}
        return volume.driver == LOCAL and local_options.filesystem_of(options) is None

    # --- for containers -----------------------------------------------------------------------

    def claim(self, names: Iterable[str]) -> Claim:
        """Hold these names while a container with such volumes is created."""
        return Claim(self, list(names))

    async def known(self, name: str, driver: str) -> Volume | None:
        """The volume of that name, if there is one. Raises NameTaken for another driver's,
        NoSuchDriver.
        """
        volume = self._volumes.get(name)
        if volume and driver and driver != volume.driver:
            if await self.drivers.find(driver) is None:
                raise NoSuchDriver(name, driver)
            raise NameTaken(name, volume.driver)
        return volume

    async def make(
        self,
        name: str,
        driver: str,
        options: dict[str, str] | None,
        labels: dict[str, str] | None,
    ) -> Volume:
        """Have the driver make a volume that has no row yet. Raises as `create` does."""
        driver = driver or LOCAL
        found = await self.drivers.find(driver)
        if found is None:
            raise NoSuchDriver(name, driver)
        found.check(name, options or {})
        timeout_s = found.timeout_s
        await call("create", name, timeout_s, lambda: found.create(name, options or {}))
        return Volume(name, driver, time.time_ns(), options, labels)

    async def unmake(self, volume: Volume) -> None:
        """Take back what `make` has made."""
        await self._removal.unmake(volume)

    async def settle_rename(self, volume: Volume) -> Volume:
        """The directory has the volume's new name, too."""
        settled = replace(volume, renamed_from="")
        await self.write(lambda connection: store.rename(connection, volume.name, settled))
        self.add(settled)
        return settled

    def forget(self, name: str) -> None:
        """There is no volume of that name any more."""
        self._volumes.pop(name, None)

    def add(self, volume: Volume) -> None:
        """Its row exists: let it be found."""
        self._volumes[volume.name] = volume

    async def fill(self, volume: Volume, copy: Callable[[int], bool]) -> None:
        """Let `copy` fill a plain volume; `uid`, `gid` and `mode` of its options hold. Raises
        DiskFull, OSError.
        """
        owner = local_options.owner_of(volume.name, volume.options or {})

        def fill(target: int) -> bool:
            is_filled = copy(target)
            if is_filled and owner.is_asked:
                uid = -1 if owner.uid is None else owner.uid
                os.fchown(target, uid, -1 if owner.gid is None else owner.gid)
                if owner.mode is not None:
                    os.fchmod(target, owner.mode)
            return is_filled

        await asyncio.to_thread(self.directories.fill, volume.name, fill)

    def delete(self, connection: sqlite3.Connection, volumes: Iterable[Volume]) -> None:
        """Part of a container's transaction: the rows of anonymous volumes that go with it."""
        self._removal.delete(connection, volumes)

    def discard(self, volumes: Iterable[Volume]) -> None:
        """Anonymous volumes whose rows went with their container: remove the bytes, later."""
        for volume in volumes:
            self.forget(volume.name)
            self.background.start(self._removal.discard(volume))

    def event(self, action: str, volume: Volume, **more: str) -> Event:
        """An event of this volume, now."""
        attributes = {"driver": volume.driver, **more}
        return Event("volume", action, volume.name, attributes, time.time_ns())

    async def driver_of(self, volume: Volume) -> Driver:
        """Raises NoSuchDriver, DriverFailed."""
        driver = await self.drivers.find(volume.driver)
        if driver is None:
            raise NoSuchDriver(volume.name, volume.driver)
        return driver

    @property
    def is_busy(self) -> bool:
        """Whether anything is being made, mounted, unmounted or deleted now."""
        return self.locks.is_any_held or self.background.is_busy

    async def write(self, transaction: Callable[[sqlite3.Connection], None]) -> None:
        """One transaction, and its events told."""
        await self._database.write(transaction)
        self._journal.wake()


def _made(path: str) -> str:
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path
