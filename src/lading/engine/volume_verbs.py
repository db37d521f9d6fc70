"""The API's verbs on volumes: `lading.volumes` in Docker's documents.

One prune at a time, as everywhere.
"""

import time
from collections.abc import Sequence

from msgspec import UNSET

from lading.errors import Conflict, LadingError
from lading.volumes import Volume, Volumes, filters, foreign
from lading.wire import volumes as wire

Filters = dict[str, list[str]]


class AlreadyPruning(Conflict):
    """a prune operation is already running"""


class VolumeVerbs:
    """One engine's volumes as the API sees them."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._is_pruning = False

    async def list(self, asked: Filters) -> wire.VolumeList:
        """Those that pass the filters, by name. Raises BadBoolean."""
        warnings = await foreign.adopt(self._volumes)
        found = filters.choose(self._volumes.all(), asked, self._is_used)
        documents = [await self._document(volume) for volume in found]
        return wire.VolumeList(volumes=documents, warnings=warnings or None)

    async def inspect(self, name: str) -> wire.Volume:
        """Raises NoSuchVolume."""
        try:
            volume = self._volumes.find(name)
        except LadingError:
            await foreign.adopt(self._volumes)
            volume = self._volumes.find(name)
        return await self._document(volume, with_status=True)

    async def create(self, asked: wire.VolumeCreate) -> wire.Volume:
        """Raises NoSuchDriver, NameTaken, InvalidArgument, DriverFailed."""
        volume = await self._volumes.create(
            asked.name, asked.driver, asked.driver_opts, asked.labels
        )
        return await self._document(volume)

    async def remove(self, name: str, *, force: bool) -> None:
        """Raises NoSuchVolume, VolumeInUse."""
        await self._volumes.remove(name, force=force)

    async def prune(self, asked: Filters, *, is_narrow: bool) -> wire.VolumesPruned:
        """Raises AlreadyPruning, UnparsedBoolean."""
        if self._is_pruning:
            raise AlreadyPruning
        self._is_pruning = True
        try:
            chosen = filters.prunable(
                self._volumes.all(), asked, self._is_used, is_narrow=is_narrow
            )
            removed, freed = await self._volumes.prune(chosen)
        finally:
            self._is_pruning = False
        return wire.VolumesPruned(volumes_deleted=removed, space_reclaimed=freed)

    async def usage(self) -> Sequence[wire.Volume]:
        """The plain volumes with what they take, for `docker system df`; counting reads them all.

        Of others the size is the driver's business: dockerd leaves them out as well.
        """
        found = []
        for volume in filter(self._volumes.is_plain, self._volumes.all()):
            users = len(self._volumes.users(volume.name))
            data = wire.UsageData(ref_count=users, size=await self._volumes.size(volume))
            found.append(await self._document(volume, usage=data))
        return found

    def _is_used(self, name: str) -> bool:
        return bool(self._volumes.users(name))

    async def _document(
        self, volume: Volume, *, with_status: bool = False, usage: wire.UsageData | None = None
    ) -> wire.Volume:
        status = await self._volumes.status(volume) if with_status else {}
        return wire.Volume(
            created_at=_moment(volume.created_ns),
            driver=volume.driver,
            labels=volume.labels,
            mountpoint=self._volumes.path(volume),
            name=volume.name,
            options=volume.options,
            scope=self._volumes.drivers.scope(volume.driver),
            status=status or UNSET,
            usage_data=usage or UNSET,
        )


def _moment(time_ns: int) -> str:
    """RFC 3339 in whole seconds, as dockerd tells the age of volumes."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_ns // 1_000_000_000))
