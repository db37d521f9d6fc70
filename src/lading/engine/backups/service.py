"""The verbs of backups: create, restore, verify.

A create freezes the container, and whoever else writes to its volumes, while a compressed copy is
written to a file without a name; only then is it sent. So nobody is frozen for longer than the disk
takes, however slow the client is, and a crash leaves no file. A restore unpacks beside the volumes,
and puts all of it in place, with the container, in one transaction after the digest was right.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lading import names
from lading.containers.container import Container
from lading.containers.creation import Restored
from lading.containers.mountpoints import volumes as mount_volumes
from lading.containers.mountpoints.asked import Wish
from lading.containers.record import ContainerRecord
from lading.engine.backups.form import FORMAT, Manifest, SavedContainer, SavedVolume
from lading.engine.backups.reading import Reading
from lading.engine.backups.writing import write_backup
from lading.engine.spool import open_directory, spooled
from lading.errors import InvalidArgument
from lading.failpoints import fp
from lading.images.byte_queue import ByteQueue
from lading.volumes import ANONYMOUS_LABEL, LOCAL
from lading.volumes.claim import Claim
from lading.volumes.record import VolumeExists
from lading.wire.containers import ContainerCreate

if TYPE_CHECKING:
    from lading.engine.engine import Engine


class NoSuchSavedVolume(InvalidArgument):
    """the backup has no volume {0} (it has: {1})"""


class Backups:
    """Backups of one engine's containers."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.directory = f"{engine.options.data_root}/backups"

    def open(self) -> None:
        """Remove what a crash has left."""
        open_directory(self.directory)

    async def create(self, ref: str, *, freezes: bool) -> AsyncIterator[bytes]:
        """The backup of a container; complete before the first byte comes. Raises NoSuchContainer,
        CannotMount, StateFull, OSError.
        """
        container = self._engine.containers.find(ref)
        write = partial(self._write, container, freezes)
        return await spooled(self.directory, write)

    async def restore(
        self,
        chunks: AsyncIterable[bytes],
        *,
        name: str | None,
        renamed: Mapping[str, str],
    ) -> dict[str, object]:
        """Create the container of a backup with its volumes, stopped; `{"Id", "Volumes", ...}`.

        `renamed` gives volumes other names. Raises NotABackup, Damaged, VolumeExists, NameInUse,
        NoSuchImage.
        """
        volumes = self._engine.volume_store
        staging = f".restore-{secrets.token_hex(8)}"  # no volume's name begins with a point
        place = f"{volumes.directories.root}/{staging}"
        async with volumes.locks.held(staging), _fed(chunks) as queue:
            try:
                reading = await asyncio.to_thread(Reading, queue)
                plan = self._plan(reading.manifest, renamed)
                directories = await asyncio.to_thread(_make, place, reading.manifest)
                await asyncio.to_thread(reading.unpack, directories)
                fp("backup.unpacked")
                return await self._put(reading.manifest, plan, directories, name)
            finally:
                await asyncio.to_thread(volumes.directories.drop, place)

    async def verify(self, chunks: AsyncIterable[bytes]) -> dict[str, object]:
        """Read a whole backup. Raises NotABackup, Damaged, BadTar."""
        async with _fed(chunks) as queue:
            reading = await asyncio.to_thread(Reading, queue)
            members = await asyncio.to_thread(reading.verify)
        return told(reading.manifest) | {"Members": members}

    # --- create -------------------------------------------------------------------------------

    async def _write(
        self, container: Container, freezes: bool, write: Callable[[bytes], object]
    ) -> None:
        volumes = self._engine.volume_store
        wanted = dict.fromkeys(mount_volumes.names_of(container.record.mounts or []))
        writers = {i for name in wanted for i in volumes.users(name)} | {container.id}
        async with AsyncExitStack() as stack:
            paths = [await stack.enter_async_context(volumes.copies.reachable(n)) for n in wanted]
            manifest = self._manifest(container.record, list(wanted), freezes)
            if freezes:
                found = [self._engine.containers.find(i) for i in sorted(writers)]
                await stack.enter_async_context(self._engine.containers.freezing.frozen(found))
            await asyncio.to_thread(write_backup, manifest, paths, write)

    def _manifest(self, record: ContainerRecord, wanted: Sequence[str], freezes: bool) -> Manifest:
        found = [self._engine.volume_store.find(name) for name in wanted]
        return Manifest(
            format=FORMAT,
            created_ns=time.time_ns(),
            was_frozen=freezes,
            container=SavedContainer(
                record.name,
                record.image_reference,
                record.image_id,
                record.config,
                record.host_config,
                record.networking,
                record.mounts or [],
            ),
            volumes=[
                SavedVolume(v.name, v.driver, f"volumes/{number}", v.options, v.labels)
                for number, v in enumerate(found)
            ],
        )

    # --- restore ------------------------------------------------------------------------------

    def _plan(self, manifest: Manifest, renamed: Mapping[str, str]) -> dict[str, str]:
        """The new name of each volume; anonymous ones get new names. Raises VolumeExists, ..."""
        saved = {volume.name: volume for volume in manifest.volumes}
        for name in renamed:
            if name not in saved:
                raise NoSuchSavedVolume(name, ", ".join(saved) or "none")
        plan = {
            name: renamed.get(name)
            or (names.new_id() if ANONYMOUS_LABEL in (volume.labels or {}) else name)
            for name, volume in saved.items()
        }
        for name in plan.values():
            if self._engine.volume_store.has(name):
                raise VolumeExists(name)
        return plan

    async def _put(
        self,
        manifest: Manifest,
        plan: Mapping[str, str],
        directories: Mapping[str, str],
        name: str | None,
    ) -> dict[str, object]:
        saved = {volume.name: volume for volume in manifest.volumes}

        async def fill(claim: Claim) -> None:
            for old, new in plan.items():
                if not claim.is_new(new):
                    raise VolumeExists(new)
                place = directories[saved[old].directory]
                adopt = self._engine.volume_store.directories.adopt
                await asyncio.to_thread(adopt, new, place)

        wishes = []
        for mount in manifest.container.mounts:
            if mount.type != "volume":
                wishes.append(Wish(mount))
                continue
            volume = saved[mount.name]
            # what a driver had mounted comes back as a plain volume: the content is what was saved
            options = volume.options if volume.driver == LOCAL else None
            plain = {k: v for k, v in (options or {}).items() if k in ("uid", "gid", "mode")}
            labels = {k: v for k, v in (volume.labels or {}).items() if k != ANONYMOUS_LABEL}
            renamed = replace(mount, name=plan[mount.name], driver=LOCAL, copies=False)
            wishes.append(Wish(renamed, plain or None, labels or None))
        config = manifest.container.config
        request = ContainerCreate(
            **{known: getattr(config, known) for known in config.__struct_fields__},
            host_config=manifest.container.host_config,
            networking_config=manifest.container.networking,
        )
        request = replace(request, image=manifest.container.image)
        made = await self._engine.containers.restore(
            request, Restored(wishes, fill), name=name or manifest.container.name
        )
        return told(manifest) | {
            "Id": made.id,
            "Volumes": sorted(plan.values()),
            "Warnings": made.warnings,
        }


def told(manifest: Manifest) -> dict[str, object]:
    """What is in a backup, in short."""
    return {
        "Container": manifest.container.name,
        "Image": manifest.container.image,
        "Created": manifest.created_ns // 1_000_000_000,
        "Frozen": manifest.was_frozen,
        "Volumes": [volume.name for volume in manifest.volumes],
    }


def _make(place: str, manifest: Manifest) -> dict[str, str]:
    """An empty directory for each volume of the backup."""
    found = {}
    os.mkdir(place, 0o700)
    for number, volume in enumerate(manifest.volumes):
        found[volume.directory] = f"{place}/{number}"
        os.mkdir(found[volume.directory], 0o755)
    return found


@asynccontextmanager
async def _fed(chunks: AsyncIterable[bytes]) -> AsyncIterator[ByteQueue]:
    """A source for a thread of what a client sends, until the block ends."""
    queue = ByteQueue()
    feeding = asyncio.ensure_future(queue.feed(chunks))
    try:
        yield queue
    finally:
        queue.abandon()
        feeding.cancel()
        await asyncio.wait([feeding])
