"""The images service: what the engine and the API call.

Coroutines here never block: disk, network and unpacking run in worker threads of this room.
Cancelling a pull or load stops its threads and waits for them, so nothing goes on unseen.
"""

import asyncio
import functools
import logging
import os
import time
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from sqlite3 import Connection

from lading.images import catalog, contents, explore, gc, lookup, records, removal, remove
from lading.images import image as images
from lading.images import progress as progress_texts
from lading.images.byte_queue import ByteQueue
from lading.images.catalog import Catalog
from lading.images.flights import Flights
from lading.images.fsck import Finding, fsck
from lading.images.image import HistoryEntry, Image
from lading.images.leases import Leases
from lading.images.load import LoadRequest, load
from lading.images.lookup import NoSuchImage
from lading.images.make import CommitRequest
from lading.images.making import Making, new_name
from lading.images.outgoing import Outgoing
from lading.images.progress import Progress
from lading.images.pull import Puller, PullRequest
from lading.images.removal import Pruned
from lading.images.remove import User
from lading.images.stores import Stores
from lading.images.trust import Trust
from lading.images.workers import Workers, on_loop
from lading.oci import platform as platforms
from lading.oci import reference as references
from lading.oci.reference import InvalidReference
from lading.registry.client import Cancellation, Credentials, Registry
from lading.registry.client.access import ANONYMOUS
from lading.state import Database, Journal
from lading.storage.content import ContentStore
from lading.storage.snapshots import Driver

log = logging.getLogger(__name__)

BASE = references.parse("base").with_default_tag()  # the embedded default image


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
        trust: Trust | None = None,
    ) -> None:
        """`in_use` tells the containers that were made from an image, by the image's digest;
        `trust` may refuse what is pulled.
        """
        self.stores = Stores(content, snapshots, database, Leases())
        self._journal = journal
        self._registry = registry or Registry()
        self.users_of = in_use
        self._flights = Flights()
        self._workers = Workers()
        self._catalog = Catalog(self.stores)
        self.making = Making(
            self.stores, self._registry, self._workers, self._flights, self._catalog, self._wake
        )
        self.outgoing = Outgoing(self.stores, self._registry, self._workers, self._wake)
        self._puller = Puller(self.stores, self._registry, self._flights, trust)
        self._assembling = asyncio.Lock()

    async def aclose(self) -> None:
        """Wait for the threads and close idle connections."""
        await self._workers.aclose()
        self._registry.close()

    # --- finding ---------------------------------------------------------------------------------

    async def resolve(self, reference: str, *, platform: str | None = None) -> Image:
        """The image that a name, name@digest, ID or short ID means.

        The embedded image `base` is made when it is asked for the first time. Raises NoSuchImage,
        AmbiguousImage, InvalidReference, PlatformNotHere.
        """
        wanted = platforms.parse(platform) if platform else None
        try:
            return await self._workers.run(self._catalog.find, reference, wanted)
        except NoSuchImage:
            if not _is_base(reference):
                raise
        async with self._assembling:  # two first runs make it once
            try:
                return await self._workers.run(self._catalog.find, reference, wanted)
            except NoSuchImage:
                await self.making.from_host(BASE.familiar, None)
        return await self._workers.run(self._catalog.find, reference, wanted)

    async def list(self, filters: Mapping[str, Sequence[str]] | None = None) -> Sequence[Image]:
        """Every image that passes the filters, newest first. Raises InvalidFilter."""
        return await self._workers.run(self._catalog.list, filters or {})

    async def history(
        self, reference: str, *, platform: str | None = None
    ) -> Sequence[HistoryEntry]:
        """The steps that made the image, newest first. Raises NoSuchImage, PlatformNotHere."""
        return images.history(await self.resolve(reference, platform=platform))

    async def contents(self, digest: str) -> Sequence[contents.Entry]:
        """The manifests of an image, here or not. Raises NoSuchImage."""
        record = self.stores.database.read(lambda c: lookup.find(c, digest)).record
        return await self._workers.run(contents.entries, self.stores, record)

    async def explore(self, reference: str, *, platform: str | None = None) -> explore.Exploration:
        """What is in each layer, and what is wasted. Raises NoSuchImage, PlatformNotHere."""
        image = await self.resolve(reference, platform=platform)
        cancellation = Cancellation()
        with self.stores.leases.lease() as lease:
            parts = self.stores.database.read(lambda c: records.parts(c, image.id))
            lease.add(*parts)
            return await self._workers.run_cancellable(
                cancellation, explore.explore, self.stores, image, cancellation.check
            )

    # --- coming ----------------------------------------------------------------------------------

    async def pull(
        self,
        reference: str,
        *,
        platform: str | None = None,
        progress: Progress = progress_texts.ignore,
        credentials: Credentials = ANONYMOUS,
    ) -> Image:
        """Pull an image and name it. `progress` is called on the event loop.

        Raises what the registry says (registry.client.errors), NoMatchingPlatform, and what
        storage says of damaged or hostile layers. Nothing changes then.
        """
        cancellation = Cancellation()
        request = PullRequest(
            references.parse(reference).without_tag_beside_digest().with_default_tag(),
            platforms.parse(platform) if platform else None,
            on_loop(progress),
            cancellation,
            self._registry.authorizer(credentials),
        )
        digest = await self._workers.run_cancellable(cancellation, self._puller.pull, request)
        self._wake()
        return await self.resolve(digest, platform=platform)

    async def pull_all(
        self,
        repository: str,
        *,
        platform: str | None = None,
        progress: Progress = progress_texts.ignore,
        credentials: Credentials = ANONYMOUS,
    ) -> None:
        """Pull every tag of a repository that has the platform. Raises as `pull`."""
        cancellation = Cancellation()
        request = PullRequest(
            references.parse(repository),
            platforms.parse(platform) if platform else None,
            on_loop(progress),
            cancellation,
            self._registry.authorizer(credentials),
        )
        await self._workers.run_cancellable(cancellation, self._puller.pull_all, request)
        self._wake()

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
            on_loop(progress),
            cancellation,
            platforms.parse(platform) if platform else None,
        )
        arguments = (load, self.stores, self._flights, request)
        if isinstance(source, int):
            digests = await self._workers.run_cancellable(cancellation, *arguments)
        else:
            digests = await self._workers.run_fed(cancellation, queue, source, *arguments)
        self._wake()
        return [await self.resolve(digest) for digest in digests]

    async def commit(self, request: CommitRequest) -> Image:
        """Make an image of a container's changes; see making.Making.commit."""
        return await self.making.commit(request)

    async def tag(self, reference: str, target: str) -> None:
        """Give an image another name. Raises NoSuchImage, InvalidReference."""
        name = new_name(target)
        found = self.stores.database.read(lambda connection: lookup.find(connection, reference))
        told = {**catalog.labels(self.stores, found.record), "name": name.familiar}

        def write(connection: Connection) -> None:
            record = lookup.find(connection, reference).record
            now_ns = time.time_ns()
            records.set_name(connection, str(name), record.digest, now_ns)
            remove.tell(connection, "tag", record.digest, told, now_ns)

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
        done = await removal.remove_one(
            self.stores, self._workers, self.users_of, reference, force=force
        )
        self._wake()
        return done.told

    async def prune(
        self, filters: Mapping[str, Sequence[str]] | None = None, *, dry_run: bool = False
    ) -> Pruned:
        """Delete the images that nobody uses; see removal.prune. Raises InvalidFilter."""
        done = await removal.prune(
            self.stores, self._workers, self.users_of, self._catalog, filters or {}, dry_run=dry_run
        )
        self._wake()
        return done

    async def fsck(self, *, repair: bool = False) -> Sequence[Finding]:
        """Check every blob and every row; see fsck.fsck."""
        cancellation = Cancellation()
        work = functools.partial(fsck, repair=repair)
        return await self._workers.run_cancellable(
            cancellation, work, self.stores, self._flights, cancellation
        )

    async def collect(self, *, older_than_s: float = gc.GRACE_S) -> gc.Collected:
        """Drop blobs, snapshots and broken-off downloads that nothing needs."""
        return await self._workers.run(
            functools.partial(gc.collect, self.stores, older_than_s=older_than_s)
        )

    async def keep_clean(self) -> None:
        """Collect now and once a day what killed pulls and loads left; runs until cancelled."""
        while True:
            try:
                await self.collect()
            except Exception:  # a damaged directory must not end the engine; fsck tells of it
                log.exception("cannot collect what no image needs")
            await asyncio.sleep(gc.GRACE_S)

    def _wake(self) -> None:
        if self._journal:
            self._journal.wake()


class _Descriptor:
    """A source over a descriptor that somebody else closes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int, /) -> bytes:
        return os.read(self._descriptor, size)


def _is_base(reference: str) -> bool:
    try:
        return references.parse(reference).with_default_tag() == BASE
    except InvalidReference:
        return False
