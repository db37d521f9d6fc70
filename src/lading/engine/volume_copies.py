"""Lading's own verbs on volumes: export, import, clone and snapshot, rename, files in and out.

Containers that run and have the volume are frozen meanwhile, if asked, so that what is copied is of
one instant.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from lading.containers.files.download import Download
from lading.containers.files.view import run_in
from lading.containers.files.volume_files import VolumeFiles, VolumeView
from lading.engine.spool import spooled
from lading.images.byte_queue import ByteQueue
from lading.volumes.copies import SNAPSHOT_LABEL, export_directory
from lading.volumes.drivers.table import in_thread
from lading.wire.containers import PathStat
from lading.wire.volumes import Volume

if TYPE_CHECKING:
    from lading.engine.engine import Engine


class VolumeCopies:
    """Copies of one engine's volumes, as the API sees them."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._copies = engine.volume_store.copies

    async def export(self, name: str, *, freezes: bool) -> AsyncIterable[bytes]:
        """An archive of a volume. Raises NoSuchVolume, CannotMount, OSError."""
        self._engine.volume_store.find(name)
        if freezes:
            write = partial(self._export_frozen, name)
            return await spooled(self._engine.backups.directory, write)
        return self._exported(name)

    async def _export_frozen(self, name: str, write: Callable[[bytes], object]) -> None:
        async with AsyncExitStack() as stack:
            await self._freeze(stack, name, True)
            await self._copies.export(name, write)

    async def _exported(self, name: str) -> AsyncIterator[bytes]:
        async with self._copies.reachable(name) as place:
            download = Download()

            def work() -> None:
                export_directory(place, download.write)
                download.flush()

            download.of(in_thread(work))
            async for chunk in download:
                yield chunk

    async def import_(self, name: str, chunks: AsyncIterable[bytes]) -> Volume:
        """Fill a new or empty volume from an archive. Raises NotEmpty, NotPlain, BadTar, ..."""
        queue = ByteQueue()
        feeding = asyncio.ensure_future(queue.feed(chunks))
        try:
            await self._copies.import_(name, queue)
        finally:
            queue.abandon()
            feeding.cancel()
            await asyncio.wait([feeding])
        return await self._engine.volumes.inspect(name)

    async def clone(self, name: str, to: str, *, freezes: bool, is_snapshot: bool) -> Volume:
        """A copy under another name. Raises NoSuchVolume, VolumeExists, NotPlain."""
        labels = {SNAPSHOT_LABEL: name} if is_snapshot else None
        async with AsyncExitStack() as stack:
            await self._freeze(stack, name, freezes)
            await self._copies.clone(name, to, labels)
        return await self._engine.volumes.inspect(to)

    async def rename(self, name: str, to: str) -> Volume:
        """Raises NoSuchVolume, VolumeExists, StillInUse, NotPlain."""
        await self._copies.rename(name, to)
        return await self._engine.volumes.inspect(to)

    # --- files --------------------------------------------------------------------------------

    async def path_stat(self, name: str, path: str) -> PathStat:
        """What is at a path of a volume. Raises NoSuchVolume, NoSuchFile."""
        files = VolumeFiles(name, path)
        async with self._copies.reachable(name) as place:
            return await asyncio.wrap_future(run_in(VolumeView(place), files.describe))

    async def read_archive(self, name: str, path: str) -> tuple[PathStat, AsyncIterator[bytes]]:
        """What is at a path, and its archive. Raises as `path_stat` does, before any byte."""
        found = await self.path_stat(name, path)
        files = VolumeFiles(name, path)
        return found, self._sent(name, files)

    async def _sent(self, name: str, files: VolumeFiles) -> AsyncIterator[bytes]:
        async with self._copies.reachable(name) as place:
            download = Download()
            download.of(run_in(VolumeView(place), partial(files.read, download=download)))
            async for chunk in download:
                yield chunk

    async def write_archive(self, name: str, path: str, chunks: AsyncIterable[bytes]) -> None:
        """Unpack an archive into a directory of a volume. Raises NotADirectory, ..."""
        files = VolumeFiles(name, path)
        queue = ByteQueue()
        feeding = asyncio.ensure_future(queue.feed(chunks))
        try:
            async with self._copies.reachable(name) as place:
                view = VolumeView(place)
                await asyncio.wrap_future(run_in(view, files.check_directory))
                source = await asyncio.to_thread(files.opened, queue)
                await asyncio.wrap_future(run_in(view, partial(files.write, source=source)))
        finally:
            queue.abandon()
            feeding.cancel()
            await asyncio.wait([feeding])

    async def _freeze(self, stack: AsyncExitStack, name: str, freezes: bool) -> None:
        if freezes:
            users = self._engine.volume_store.users(name)
            found = [self._engine.containers.find(user) for user in users]
            await stack.enter_async_context(self._engine.containers.freezing.frozen(found))
