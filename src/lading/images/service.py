"""The images service: what the engine and the API call.

Coroutines here never block: disk, network and unpacking run in worker threads of this room.
Cancelling a pull or load stops its threads and waits for them, so nothing goes on unseen.
"""

import asyncio
import functools
import os
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from sqlite3 import Connection
from typing import TypeVar

from lading.events import Event
from lading.failpoints import fp
from lading.images import gc, lookup, records, remove
from lading.images import image as images
from lading.images import progress as progress_texts
from lading.images.byte_queue import ByteQueue
from lading.images.catalog import Catalog
from lading.images.flights import Flights
from lading.images.from_host.build import BuildRequest, build
from lading.images.image import HistoryEntry, Image
from lading.images.leases import Leases
from lading.images.load import LoadRequest, load
from lading.images.lookup import NoSuchImage
from lading.images.progress import Message, Progress
from lading.images.pull import Puller, PullRequest
from lading.images.remove import Removal, User
from lading.images.stores import Stores
from lading.oci import platform as platforms
from lading.oci import reference as references
from lading.oci.reference import InvalidReference, Reference
from lading.registry.client import Cancellation, Registry
from lading.registry.client.tokens import Authorize
from lading.state import Database, Journal, journal
from lading.storage.content import ContentStore
from lading.storage.snapshots import Driver

T = TypeVar("T")

BASE = references.parse("base").with_default_tag()  # the embedded default image
WORKERS = 6  # operations at the same time; each pull has three more threads for its layers


def _nobody(_: str) -> Sequence[User]:
    return ()


class Images:
    """All images of one engine. Make it on the event loop; `aclose` at the end."""

    def __init__(
        self,
        database: Database,
        content: ContentStore,
        snapshots: Driver,
        *,
        journal: Journal | None = None,
        registry: Registry | None = None,
        in_use: Callable[[str], Sequence[User]] = _nobody,
    ) -> None:
        """`in_use` tells the containers that were made from an image, by the image's digest."""
        self.stores = Stores(content, snapshots, database, Leases())
        self._journal = journal
        self._registry = registry or Registry()
        self._in_use = in_use
        self._flights = Flights()
        self._puller = Puller(self.stores, self._registry, self._flights)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="images")
        self._catalog = Catalog(self.stores)
        self._assembling = asyncio.Lock()

    async def aclose(self) -> None:
        """Wait for the threads and close idle connections."""
        await asyncio.to_thread(self._pool.shutdown)
        self._registry.close()

    # --- finding ---------------------------------------------------------------------------------

    async def resolve(self, reference: str, *, platform: str | None = None) -> Image:
        """The image that a name, name@digest, ID or short ID means.

        The embedded image `base` is made when it is asked for the first time. Raises NoSuchImage,
        AmbiguousImage, InvalidReference, PlatformNotHere.
        """
        wanted = platforms.parse(platform) if platform else None
        try:
            return await self._run(self._catalog.find, reference, wanted)
        except NoSuchImage:
            if not _is_base(reference):
                raise
        async with self._assembling:  # two first runs make it once
            try:
                return await self._run(self._catalog.find, reference, wanted)
            except NoSuchImage:
                await self.from_host(BASE.familiar, None)
        return await self._run(self._catalog.find, reference, wanted)

    async def list(self, filters: Mapping[str, Sequence[str]] | None = None) -> Sequence[Image]:
        """Every image that passes the filters, newest first. Raises InvalidFilter."""
        return await self._run(self._catalog.list, filters or {})

    async def history(self, reference: str) -> Sequence[HistoryEntry]:
        """The steps that made the image, newest first. Raises NoSuchImage."""
        return images.history(await self.resolve(reference))

    # --- coming ----------------------------------------------------------------------------------

    async def pull(
        self,
        reference: str,
        *,
        platform: str | None = None,
        progress: Progress = progress_texts.ignore,
        authorize: Authorize | None = None,
    ) -> Image:
        """Pull an image and name it. `progress` is called on the event loop.

        Raises what the registry says (registry.client.errors), NoMatchingPlatform, and what
        storage says of damaged or hostile layers. Nothing changes then.
        """
        cancellation = Cancellation()
        request = PullRequest(
            references.parse(reference).without_tag_beside_digest().with_default_tag(),
            platforms.parse(platform) if platform else None,
            self._on_loop(progress),
            cancellation,
            authorize,
        )
        digest = await self._run_cancellable(cancellation, self._puller.pull, request)
        self._wake()
        return await self.resolve(digest, platform=platform)

    async def load(
        self,
        source: AsyncIterable[bytes] | int,
        *,
        progress: Progress = progress_texts.ignore,
        platform: str | None = None,
    ) -> Sequence[Image]:
        """Load the images of an archive, given as chunks or as a descriptor of the caller's.

        Raises BadArchive and what storage says of a damaged or hostile archive; nothing changes
        then.
        """
        cancellation = Cancellation()
        queue = ByteQueue()
        request = LoadRequest(
            _Descriptor(source) if isinstance(source, int) else queue,
            self._on_loop(progress),
            cancellation,
            platforms.parse(platform) if platform else None,
        )
        work = self._run_cancellable(cancellation, load, self.stores, self._flights, request)
        with cancellation.waking(queue.abandon):
            digests = await (work if isinstance(source, int) else _fed(queue, source, work))
        self._wake()
        return [await self.resolve(digest) for digest in digests]

    async def from_host(self, tag: str, tools: Sequence[str] | None) -> Image:
        """Make an image of the host's own programs and name it; None: those of `base`.

        Raises ProgramNotFound, NoTools, LibraryNotFound.
        """
        cancellation = Cancellation()
        request = BuildRequest(_new_name(tag), tools, cancellation)
        digest = await self._run_cancellable(
            cancellation, build, self.stores, self._flights, request
        )
        self._wake()
        return await self.resolve(digest)

    async def tag(self, reference: str, target: str) -> None:
        """Give an image another name. Raises NoSuchImage, InvalidReference."""
        name = _new_name(target)

        def write(connection: Connection) -> None:
            record = lookup.find(connection, reference).record
            now_ns = time.time_ns()
            records.set_name(connection, str(name), record.digest, now_ns)
            _append(connection, "tag", record.digest, name.familiar, now_ns)

        await self.stores.database.write(write)
        self._wake()

    # --- going -----------------------------------------------------------------------------------

    async def remove(
        self, reference: str, *, force: bool = False, prune: bool = True
    ) -> Sequence[dict[str, str]]:
        """Untag or delete an image by Docker's rules; returns {"Untagged"} and {"Deleted"} records.

        `prune` is taken for Docker's sake: an image has no parent images here. Raises NoSuchImage,
        remove.ReferenceInUse, remove.ImageConflict.
        """
        del prune
        found = self.stores.database.read(lambda c: lookup.find(c, reference))
        users = self._in_use(found.record.digest)

        def write(connection: Connection) -> tuple[Removal, str, set[str]]:
            image, name = lookup.find(connection, reference)
            removal = remove.decide(image, name, users, force=force)
            parts = records.parts(connection, image.digest)
            _drop(connection, image.digest, removal)
            return removal, image.digest, parts

        fp("images.before-remove")
        removal, digest, parts = await self.stores.database.write(write)
        fp("images.removed")
        self._wake()
        told = [{"Untagged": references.parse(name).familiar} for name in removal.names]
        if removal.is_deleted:
            await self._run(gc.collect_blobs, self.stores, parts)
            told.append({"Deleted": digest})
        return told

    async def collect(self, *, older_than_s: float = gc.GRACE_S) -> gc.Collected:
        """Drop blobs, snapshots and broken-off downloads that nothing needs."""
        return await self._run(
            functools.partial(gc.collect, self.stores, older_than_s=older_than_s)
        )

    # --- threads ---------------------------------------------------------------------------------

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, function, *arguments)

    async def _run_cancellable(
        self, cancellation: Cancellation, function: Callable[..., T], *arguments: object
    ) -> T:
        """`_run`; when the awaiting task is cancelled, the thread is stopped and awaited."""
        work = asyncio.ensure_future(self._run(function, *arguments))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            cancellation.cancel()
            await asyncio.wait([work])
            work.exception()  # that it was cancelled is no news
            raise

    def _on_loop(self, progress: Progress) -> Progress:
        """Messages of the threads are delivered on the event loop, in order."""
        loop = asyncio.get_running_loop()

        def forward(message: Message) -> None:
            loop.call_soon_threadsafe(progress, message)

        return forward

    def _wake(self) -> None:
        if self._journal:
            self._journal.wake()


class _Descriptor:
    """A source over a descriptor that somebody else closes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int, /) -> bytes:
        return os.read(self._descriptor, size)


async def _fed(queue: ByteQueue, chunks: AsyncIterable[bytes], work: Awaitable[T]) -> T:
    """Do the work while the queue that it reads is fed; a failure of either ends both."""
    feeding = asyncio.ensure_future(queue.feed(chunks))
    try:
        return await work
    finally:
        feeding.cancel()
        await asyncio.wait([feeding])


def _drop(connection: Connection, digest: str, removal: Removal) -> None:
    """Carry the removal out, with its events."""
    now_ns = time.time_ns()
    for name in removal.names:
        records.drop_name(connection, name)
        _append(connection, "untag", digest, digest, now_ns)
    if removal.is_deleted:
        records.drop(connection, digest)
        _append(connection, "delete", digest, digest, now_ns)


def _append(connection: Connection, action: str, actor: str, name: str, now_ns: int) -> None:
    journal.append(connection, Event("image", action, actor, {"name": name}, now_ns))


def _new_name(text: str) -> Reference:
    """A name that somebody gives to an image. Raises InvalidReference."""
    reference = references.parse(text)
    if reference.digest:
        raise InvalidReference("refusing to create a tag with a digest reference")
    return reference.with_default_tag()


def _is_base(reference: str) -> bool:
    try:
        return references.parse(reference).with_default_tag() == BASE
    except InvalidReference:
        return False
