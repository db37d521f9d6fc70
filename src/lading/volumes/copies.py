"""Whole volumes: written to archives, filled from them, copied, renamed. Verbs that Docker lacks.

Whatever fills a volume does it beside it (`Directories.fill`), in a claim: a crash leaves the new
volume with everything or not at all. Who writes to the source meanwhile is the caller's business,
who can freeze containers.
"""

import asyncio
import os
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lading.failpoints import fp
from lading.state import journal
from lading.storage import clone
from lading.storage.layers import (
    Limits,
    TarReader,
    TarWriter,
    add_tree,
    open_compressed,
    unpack_tree,
)
from lading.storage.layers.source import Source
from lading.volumes import names, store
from lading.volumes.record import LOCAL, NotEmpty, NotPlain, StillInUse, Volume, VolumeExists

if TYPE_CHECKING:
    from lading.volumes.service import Volumes

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
SNAPSHOT_LABEL = "lading.snapshot.of"
# of archives that the owner of the engine brings along: databases are mostly zeros
LIMITS = Limits(ratio=1 << 20)


class Copies:
    """Copies of one engine's volumes."""

    def __init__(self, volumes: "Volumes") -> None:
        self._volumes = volumes

    @asynccontextmanager
    async def reachable(self, name: str) -> AsyncIterator[str]:
        """Where the content is; mounted as long as this lasts. Raises NoSuchVolume, CannotMount."""
        holder = f"copy-{secrets.token_hex(8)}"
        try:
            paths = await self._volumes.mounting.mount(holder, [name])
            yield paths[name]
        finally:
            self._volumes.mounting.release(holder)

    async def export(self, name: str, write: Callable[[bytes], object]) -> None:
        """Write an archive of a volume; `write` is called in a thread. Raises NoSuchVolume."""
        async with self.reachable(name) as path:
            await asyncio.to_thread(export_directory, path, write)

    async def import_(
        self, name: str, source: Source, labels: dict[str, str] | None = None
    ) -> Volume:
        """Fill a new or an empty volume from an archive, compressed or not, read in a thread.

        Raises NotEmpty, NotPlain, BadTar, HostileArchive, DiskFull.
        """
        return await self._filled(name, None, labels, partial(_import, source))

    async def clone(self, name: str, to: str, labels: dict[str, str] | None = None) -> Volume:
        """A new volume with the content and the labels of another, sharing data where the file
        system can. Raises NoSuchVolume, VolumeExists, NotPlain, DiskFull.
        """
        source = self._volumes.find(name)
        if self._volumes.has(to):
            raise VolumeExists(to)
        options = {k: v for k, v in (source.options or {}).items() if k in ("uid", "gid", "mode")}
        both = {**(source.labels or {}), **(labels or {})}
        async with self.reachable(name) as path:
            return await self._filled(to, options or None, both or None, partial(_clone, path))

    async def rename(self, name: str, to: str) -> Volume:
        """Give a volume that no container has another name.

        The row has both names until the directory has the new one, so a crash loses neither.
        Raises NoSuchVolume, VolumeExists, StillInUse, NotPlain, InvalidVolumeName.
        """
        names.check(to)
        volumes = self._volumes
        async with volumes.claim([name, to]):
            volume = volumes.find(name)
            if not volumes.is_plain(volume):
                raise NotPlain(name, "renamed")
            if volumes.has(to):
                raise VolumeExists(to)
            if users := volumes.users(name):
                raise StillInUse(name, ", ".join(users))
            moving = replace(volume, name=to, renamed_from=name)

            def transaction(connection: sqlite3.Connection) -> None:
                store.rename(connection, name, moving)
                journal.append(connection, volumes.event("rename", moving, oldName=name))

            fp("volume.before-rename")
            await volumes.write(transaction)
            fp("volume.after-rename")
            await asyncio.to_thread(volumes.directories.rename, name, to)
            fp("volume.after-move")
            volumes.forget(name)
            return await volumes.settle_rename(moving)

    async def _filled(
        self,
        name: str,
        options: dict[str, str] | None,
        labels: dict[str, str] | None,
        copy: Callable[[int], bool],
    ) -> Volume:
        volumes = self._volumes
        async with volumes.claim([name]) as claim:
            volume = await claim.use(name, LOCAL, options, labels)
            if not volumes.is_plain(volume):
                raise NotPlain(name, "filled")
            if not await asyncio.to_thread(volumes.directories.is_empty, name):
                raise NotEmpty(name)
            await asyncio.to_thread(volumes.directories.fill, name, copy)
            if not volumes.has(name):
                await volumes.write(claim.insert)
                claim.keep()
            return volume


def export_directory(path: str, write: Callable[[bytes], object]) -> None:
    """Write an archive of a directory, with its own attributes as those of "."."""
    writer = TarWriter(write)
    add_directory(writer, path, b".")
    writer.close()


def add_directory(writer: TarWriter, path: str, told: bytes) -> None:
    """Write a volume's directory, which is called `told` in the archive."""
    root = os.open(path, _DIRECTORY)
    try:
        add_tree(writer, root, b".", told=told)
    finally:
        os.close(root)


def _import(source: Source, target: int) -> bool:
    os.fchmod(target, 0o755)  # unless the archive tells of its root
    unpack_tree(TarReader(open_compressed(source, LIMITS), LIMITS), target)
    return True


def _clone(path: str, target: int) -> bool:
    source = os.open(path, _DIRECTORY)
    try:
        clone.copy_tree(source, target)
    finally:
        os.close(source)
    return True
