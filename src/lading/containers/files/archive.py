"""`docker cp` and `docker export`: files of a container out of it, and into it, as tar streams."""

import asyncio
import os
import posixpath
import secrets
import stat
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

from lading.containers import userns
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.files import changes, paths
from lading.containers.files.download import Download
from lading.containers.files.view import RestingView, RunningView, View, is_kernels_own, run_in
from lading.containers.mountpoints import placing
from lading.containers.mountpoints import volumes as mount_volumes
from lading.containers.mountpoints.placing import Places
from lading.containers.mountpoints.plan import depth
from lading.containers.oci_spec import Bind
from lading.containers.record import ContainerRecord
from lading.containers.userns import IdMap
from lading.errors import InvalidArgument
from lading.images.byte_queue import ByteQueue
from lading.kernel import mount, safepath
from lading.runtime import users
from lading.storage.layers import Ids, Source, extract, open_compressed, write_tree
from lading.storage.snapshots.driver import Overlay
from lading.wire.containers import FilesystemChange, PathStat

_FILES = ("resolv.conf", "hostname", "hosts")  # of /etc, kept by the engine


class ReadOnlyRoot(InvalidArgument):
    """container rootfs is marked read-only"""


class ReadOnlyVolume(InvalidArgument):
    """mounted volume is marked read-only"""


class Extraction(NamedTuple):
    """How an archive is put into a container."""

    keeps_kinds: bool = False  # noOverwriteDirNonDir
    takes_owner: bool = False  # copyUIDGID: all is given to the container's user


class Files:
    """Copies files of containers."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def describe(self, container: Container, ref: str, path: str) -> PathStat:
        """What is at a path. Raises NoSuchFile, Unreadable."""
        place = paths.absolute(path)
        find = partial(paths.describe, path=place, asked=path, container=ref)
        async with self._shown(container) as view:
            return await asyncio.wrap_future(run_in(view, find))

    async def read(self, container: Container, ref: str, path: str) -> tuple[PathStat, Download]:
        """What is at a path, and its archive. Raises as `describe` does, before any byte."""
        place, download = paths.absolute(path), Download()
        loop = asyncio.get_running_loop()
        known: asyncio.Future[PathStat] = loop.create_future()

        ids = _seen(container)

        def tell(found: PathStat) -> None:
            if not known.done():
                known.set_result(found)

        def work(root: int) -> None:
            found = paths.describe(root, place, asked=path, container=ref)
            loop.call_soon_threadsafe(tell, found)
            write_archive(root, place, download, ids)

        async with self._shown(container) as view:  # until the thread is in it
            done = run_in(view, work)
            download.of(done)
            waiting: asyncio.Future[Any] = asyncio.wrap_future(done)
            both: list[asyncio.Future[Any]] = [known, waiting]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not known.done():
            waiting.result()  # raises what the thread raised
        waiting.add_done_callback(_heard)  # who reads the download hears of a failure
        await self._context.publish(container, ("archive-path", {}))
        return await known, download

    async def write(
        self,
        container: Container,
        ref: str,
        path: str,
        chunks: AsyncIterable[bytes],
        extraction: Extraction,
    ) -> None:
        """Put an archive into a directory. Raises NoSuchFile, NotADirectory, ReadOnlyRoot,
        ReadOnlyVolume, and what `extract` raises; what was written before stays.
        """
        place = paths.absolute(path)
        record = container.record
        queue = ByteQueue()
        feeding = asyncio.ensure_future(queue.feed(chunks))
        try:
            async with self._writable_view(container) as view:
                # the codec is chosen out here: in the view nothing may be imported
                plain = asyncio.ensure_future(asyncio.to_thread(open_compressed, queue))
                plain.add_done_callback(_heard)  # a target that is none is told first
                target = partial(_target, path=place, asked=path, container=ref, record=record)
                await asyncio.wrap_future(run_in(view, target))
                ids = _translation(record.ids if isinstance(view, RunningView) else None)
                into = partial(
                    _extract,
                    await plain,
                    place,
                    extraction=extraction,
                    user=record.config.user,
                    ids=ids,
                )
                await asyncio.wrap_future(run_in(view, into))
        finally:
            queue.abandon()
            feeding.cancel()
            await asyncio.wait([feeding])
        await self._context.publish(container, ("extract-to-dir", {}))

    async def export(self, container: Container) -> Download:
        """The whole tree, without what is mounted in it."""
        download = Download()
        view, ids = self._view(container, ()), _seen(container)

        def work(root: int) -> None:
            bare = mount.clone_of(root)  # not recursive: what is mounted in the tree stays away
            try:
                _write_tree(bare, b".", download, told=b"", ids=ids)
            finally:
                os.close(bare)

        download.of(run_in(view, work))
        await self._context.publish(container, "export")
        return download

    async def changes(self, container: Container) -> list[FilesystemChange]:
        """What the container changed in its image."""
        snapshots = self._context.snapshots
        listed = await asyncio.to_thread(snapshots.changes, container.id)
        if listed is not None:
            return changes.from_list(listed)
        return await asyncio.to_thread(_compare, snapshots.mount(container.id))

    # --- views --------------------------------------------------------------------------------

    def _view(self, container: Container, found: tuple[Bind, ...]) -> View:
        """A way to look at the files; never in the way of a start."""
        state = container.record.state
        if state.is_running:
            ids = container.record.ids
            return RunningView(state.pid, state.start_time, ids.root if ids else None)
        overlay = self._context.snapshots.mount(container.id)
        here = self._context.layout.files(container.id)
        lower = [overlay.upper, *overlay.lower]
        return RestingView(here, overlay._replace(lower=lower, upper="", work=""), found)

    @asynccontextmanager
    async def _shown(self, container: Container) -> AsyncIterator[View]:
        """A way to look at the files, with what is mounted in the container."""
        if container.record.state.is_running:
            yield self._view(container, ())
            return
        async with self._binds(container.record) as found:
            yield self._view(container, found)

    @asynccontextmanager
    async def _writable_view(self, container: Container) -> AsyncIterator[View]:
        """A way to change the files. One that does not run cannot be started meanwhile."""
        if container.record.state.is_running:
            yield self._view(container, ())
            return
        async with container.lock:
            if container.record.state.is_running:
                yield self._view(container, ())
                return
            overlay = self._context.snapshots.mount(container.id)
            here = self._context.layout.files(container.id)
            async with self._binds(container.record) as found:
                yield RestingView(here, overlay, found)

    @asynccontextmanager
    async def _binds(self, record: ContainerRecord) -> AsyncIterator[tuple[Bind, ...]]:
        """What is mounted in a container that does not run, as far as it is there.

        Volumes that must be mounted are, as long as this lasts.
        """
        context, mounts = self._context, record.mounts or []
        holder = f"cp-{secrets.token_hex(8)}"
        directory = context.layout.files(record.id)
        own = [Bind(f"{directory}/{name}", f"/etc/{name}", ("bind",)) for name in _FILES]
        try:
            names = mount_volumes.names_of(mounts)
            paths = await context.volumes.mounting.mount(holder, names)
            places = Places(paths, context.snapshots.layer_directories)
            found = [*own, *placing.binds(mounts, places)]
            yield tuple(sorted(found, key=lambda bind: depth(bind.destination)))
        finally:
            context.volumes.mounting.release(holder)


def _seen(container: Container) -> Ids | None:
    """How owners of a container's files are told. On disk they are as inside; while it runs, its
    mounts show them as the host's.
    """
    ids = container.record.ids
    if ids is None or not container.record.state.is_running:
        return None
    return Ids(partial(userns.inside, ids.uids), partial(userns.inside, ids.gids))


def _translation(ids: IdMap | None) -> Ids | None:
    """The other way round, for what is put into a running one."""
    if ids is None:
        return None
    return Ids(partial(userns.outside, ids.uids), partial(userns.outside, ids.gids))


def _heard(work: "asyncio.Future[Any]") -> None:
    if not work.cancelled():
        work.exception()


def _compare(overlay: Overlay) -> list[FilesystemChange]:
    with ExitStack() as stack:
        opened = []
        for directory in (overlay.upper, *overlay.lower):
            opened.append(os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            stack.callback(os.close, opened[-1])
        return changes.compare(opened[0], opened[1:])


# --- in the view ------------------------------------------------------------------------------


def write_archive(root: int, place: str, download: Download, ids: Ids | None) -> None:
    """The archive of `docker cp`: the members' paths begin with the last word of the path."""
    told = paths.base_name(place)
    if place.endswith(("/", "/.")):
        parent = safepath.open_in_root(root, place, os.O_PATH | os.O_DIRECTORY)
        name = b"."
    else:
        above, _, last = place.rpartition("/")
        parent = safepath.open_in_root(root, above or "/", os.O_PATH | os.O_DIRECTORY)
        name = os.fsencode(last)
    try:
        _write_tree(parent, name, download, told=os.fsencode("" if told == "/" else told), ids=ids)
    finally:
        os.close(parent)


def _write_tree(
    parent: int, name: bytes, download: Download, *, told: bytes, ids: Ids | None
) -> None:
    write_tree(parent, name, download.write, told=told, is_closed=is_kernels_own, ids=ids)
    download.flush()


def _target(root: int, path: str, asked: str, container: str, record: ContainerRecord) -> None:
    """Refuse what is no directory, or may not be written."""
    place = path if path.endswith("/") else f"{path}/."
    try:
        status = paths.lstat(root, place, asked=asked, container=container)
    except paths.Unreadable:
        raise paths.NotADirectory from None
    if not stat.S_ISDIR(status.st_mode):
        raise paths.NotADirectory
    physical = paths.evaluate(root, path)
    for mounted in reversed(record.mounts or []):
        if posixpath.commonpath([mounted.destination, physical]) == mounted.destination:
            if mounted.is_read_only:
                raise ReadOnlyVolume
            return
    if record.host_config.readonly_rootfs:
        raise ReadOnlyRoot


def _extract(
    source: Source, place: str, root: int, *, extraction: Extraction, user: str, ids: Ids | None
) -> None:
    owner = None
    if extraction.takes_owner and user:
        identity = users.resolve(root, {"username": user})
        owner = (identity.uid, identity.gid)
    directory = os.fsencode(paths.evaluate(root, place).strip("/"))
    extract(source, root, directory, keeps_kinds=extraction.keeps_kinds, owner=owner, ids=ids)
