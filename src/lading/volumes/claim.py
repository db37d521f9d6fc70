"""A claim: the volumes of one container that is being created, found or made, until it has a row.

While a claim is open nobody removes, renames or makes volumes of those names. What the claim makes
gets its row in the transaction of the container, so a crash leaves both or neither; a claim that
ends without `keep` takes back what it has made.
"""

import sqlite3
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from lading.state import journal
from lading.volumes import store
from lading.volumes.record import Volume

if TYPE_CHECKING:
    from lading.volumes.service import Volumes


class Claim:
    """An async context manager; see `Volumes.claim`."""

    def __init__(self, volumes: "Volumes", names: list[str]) -> None:
        self._volumes = volumes
        self._names = sorted(set(names))  # always the same order: two claims cannot wait in a ring
        self._made: list[Volume] = []
        self._is_kept = False

    async def __aenter__(self) -> "Claim":
        for position, name in enumerate(self._names):
            try:
                await self._volumes.locks.acquire(name)
            except BaseException:
                self._release(self._names[:position])
                raise
        return self

    async def use(
        self, name: str, driver: str, options: dict[str, str] | None, labels: dict[str, str] | None
    ) -> Volume:
        """The volume of that claimed name, made if it is not there.

        Raises NoSuchDriver, NameTaken, InvalidArgument, DriverFailed.
        """
        assert name in self._names
        found = await self._volumes.known(name, driver)
        found = found or next((volume for volume in self._made if volume.name == name), None)
        if found is not None:
            return found
        volume = await self._volumes.make(name, driver, options, labels)
        self._made.append(volume)
        return volume

    def volume(self, name: str) -> Volume:
        """A volume of the claim, with a row or without one yet. Raises NoSuchVolume."""
        made = (volume for volume in self._made if volume.name == name)
        return next(made, None) or self._volumes.find(name)

    def is_new(self, name: str) -> bool:
        """Whether the claim has made the volume."""
        return any(volume.name == name for volume in self._made)

    async def fill(self, volume: Volume, copy: Callable[[int], bool]) -> None:
        """Let `copy` fill an empty plain volume; see `Directories.fill`."""
        await self._volumes.fill(volume, copy)

    def insert(self, connection: sqlite3.Connection) -> None:
        """Part of the container's transaction: rows and events of what was made."""
        for volume in self._made:
            store.insert(connection, volume)
            journal.append(connection, self._volumes.event("create", volume))

    def keep(self) -> None:
        """The transaction is durable."""
        self._is_kept = True
        for volume in self._made:
            self._volumes.add(volume)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if not self._is_kept:
                for volume in self._made:
                    await self._volumes.unmake(volume)
        finally:
            self._release(self._names)

    def _release(self, names: list[str]) -> None:
        for name in names:
            self._volumes.locks.release(name)
