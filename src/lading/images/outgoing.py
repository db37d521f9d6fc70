"""What leaves this engine, and what it asks of registries: push, save, login, search, inspect.

A part of the images service (`Images.outgoing`); coroutines here never block either.
"""

import functools
import time
from collections.abc import AsyncIterable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from sqlite3 import Connection

from lading.events import Event
from lading.images import copy, distribution, lookup, manifest_list, save
from lading.images import progress as progress_texts
from lading.images.byte_queue import ByteQueue
from lading.images.copy import CopyRequest
from lading.images.distribution import Distribution
from lading.images.filters import Filters
from lading.images.gc import lease_and_collect
from lading.images.progress import Progress
from lading.images.push import Pushed, Pusher, PushRequest
from lading.images.stores import Stores
from lading.images.workers import Workers, on_loop
from lading.oci import platform as platforms
from lading.oci import reference as references
from lading.oci.manifest import Descriptor
from lading.registry.client import Cancellation, Credentials, Registry
from lading.registry.client import login as logins
from lading.registry.client import search as searches
from lading.registry.client.access import ANONYMOUS
from lading.registry.client.search import Hit
from lading.state import journal

STORE = "store:"  # in front of the name of an image of this engine


class Outgoing:
    """One per engine; `wake` tells the journal's readers that there is something new."""

    def __init__(
        self, stores: Stores, registry: Registry, workers: Workers, wake: Callable[[], None]
    ) -> None:
        self._wake = wake
        self._stores = stores
        self._registry = registry
        self._workers = workers
        self._pusher = Pusher(stores, registry)

    async def push(
        self,
        reference: str,
        *,
        platform: str | None = None,
        progress: Progress = progress_texts.ignore,
        credentials: Credentials = ANONYMOUS,
    ) -> Sequence[Pushed]:
        """Push a name, or all tags of a repository when it has neither tag nor digest.

        Raises NothingToPush, NoSuchTag, push_plan.NoPlatformHere, and what the registry says.
        """
        cancellation = Cancellation()
        request = PushRequest(
            references.parse(reference).without_tag_beside_digest(),
            platforms.parse(platform) if platform else None,
            on_loop(progress),
            cancellation,
            self._registry.authorizer(credentials),
        )
        pushed = await self._workers.run_cancellable(cancellation, self._pusher.push, request)
        named = [references.parse(each.target) for each in pushed]
        await self._note("push", [(name.familiar, name.familiar_name) for name in named])
        return pushed

    async def save(self, names: Sequence[str], *, wanted: Sequence[str] = ()) -> "Archive":
        """The pieces of an archive of these images. Raises NoSuchImage before the first piece."""
        platforms_wanted = [platforms.parse(text) for text in wanted]
        stack = ExitStack()
        try:
            lease = stack.enter_context(self._stores.leases.lease())
            chosen = await self._workers.run(save.choose, self._stores, names)
            planned = await self._workers.run(
                save.plan, self._stores, chosen, platforms_wanted, lease
            )
        except BaseException:
            stack.close()
            raise
        await self._note("save", [(each.record.digest, each.record.digest) for each in chosen])
        return Archive(save.pieces(self._stores, planned), stack, self._workers)

    async def _note(self, action: str, images: Sequence[tuple[str, str]]) -> None:
        """Journal an event for each: what it is called as an actor, and its attribute `name`."""
        now_ns = time.time_ns()

        def write(connection: Connection) -> None:
            for actor, name in images:
                journal.append(connection, Event("image", action, actor, {"name": name}, now_ns))

        await self._stores.database.write(write)
        self._wake()

    async def copy(
        self,
        source: str,
        target: str,
        *,
        archive: AsyncIterable[bytes],
        platform: str | None = None,
        progress: Progress = progress_texts.ignore,
        source_credentials: Credentials = ANONYMOUS,
        credentials: Credentials = ANONYMOUS,
    ) -> Pushed:
        """Copy to a registry: from another one, from here ("store:NAME"), or (source "") from an
        archive. Nothing is unpacked. Raises what the registries say, NoSuchImage, BadArchive.
        """
        cancellation = Cancellation()
        if source.startswith(STORE):
            return await self._copy_from_store(
                source.removeprefix(STORE), target, platform, progress, credentials
            )
        request = CopyRequest(
            on_loop(progress),
            cancellation,
            references.parse(source).with_default_tag() if source else None,
            self._registry.authorizer(source_credentials),
            platforms.parse(platform) if platform else None,
        )
        words = (
            copy.to_registry,
            self._stores,
            self._registry,
            request,
            references.parse(target).with_default_tag(),
            self._registry.authorizer(credentials),
        )
        if source:
            return await self._workers.run_cancellable(cancellation, *words)
        queue = ByteQueue()
        return await self._workers.run_fed(cancellation, queue, archive, *words, queue)

    async def _copy_from_store(
        self,
        name: str,
        target: str,
        platform: str | None,
        progress: Progress,
        credentials: Credentials,
    ) -> Pushed:
        cancellation = Cancellation()
        found = self._stores.database.read(lambda c: lookup.find(c, name)).record
        reference = references.parse(target).with_default_tag()
        request = PushRequest(
            reference,
            platforms.parse(platform) if platform else None,
            on_loop(progress),
            cancellation,
            self._registry.authorizer(credentials),
        )
        tag = reference.digest or reference.tag or ""
        return await self._workers.run_cancellable(
            cancellation, self._pusher.push_as, request, tag, found.digest
        )

    async def fetch_archive(
        self, source: str, *, platform: str | None = None, credentials: Credentials = ANONYMOUS
    ) -> "Archive":
        """The pieces of an archive of what a registry has, which does not become an image here."""
        cancellation = Cancellation()
        request = CopyRequest(
            progress_texts.ignore,
            cancellation,
            references.parse(source).with_default_tag(),
            self._registry.authorizer(credentials),
            platforms.parse(platform) if platform else None,
        )
        stack = ExitStack()
        try:
            lease = stack.enter_context(lease_and_collect(self._stores))
            planned = await self._workers.run_cancellable(
                cancellation, copy.to_archive, self._stores, self._registry, request, lease
            )
        except BaseException:
            await self._workers.run(stack.close)
            raise
        return Archive(save.pieces(self._stores, planned), stack, self._workers)

    async def login(self, server_address: str, credentials: Credentials) -> str:
        """Try credentials; an identity token to keep instead of the password, or "".

        Raises login.LoginRefused, Unreachable.
        """
        cancellation = Cancellation()
        return await self._workers.run_cancellable(
            cancellation, logins.login, self._registry, server_address, credentials, cancellation
        )

    async def distribution(
        self, reference: str, *, credentials: Credentials = ANONYMOUS
    ) -> Distribution:
        """What a registry has under a name, without pulling it. Raises what the registry says."""
        cancellation = Cancellation()
        return await self._workers.run_cancellable(
            cancellation,
            distribution.inspect,
            self._registry,
            references.parse(reference).with_default_tag(),
            self._registry.authorizer(credentials),
            cancellation,
        )

    async def manifest(
        self,
        reference: str,
        *,
        deep: bool = False,
        insecure: bool = False,
        credentials: Credentials = ANONYMOUS,
    ) -> manifest_list.Found:
        """A manifest as a registry has it; with `deep` those of an index. Raises what it says."""
        cancellation = Cancellation()
        parsed = references.parse(reference).with_default_tag()
        with self._reaching(parsed.domain, insecure) as registry:
            work = functools.partial(manifest_list.fetch, deep=deep)
            authorize = registry.authorizer(credentials)
            return await self._workers.run_cancellable(
                cancellation, work, registry, parsed, authorize, cancellation
            )

    async def push_list(
        self,
        target: str,
        entries: Sequence[manifest_list.Entry],
        *,
        insecure: bool = False,
        progress: Progress = progress_texts.ignore,
        credentials: Credentials = ANONYMOUS,
    ) -> Descriptor:
        """Push an index of manifests that the same registry has. See manifest_list.push."""
        cancellation = Cancellation()
        parsed = references.parse(target).with_default_tag()
        with self._reaching(parsed.domain, insecure) as registry:
            return await self._workers.run_cancellable(
                cancellation,
                manifest_list.push,
                self._stores,
                registry,
                parsed,
                entries,
                registry.authorizer(credentials),
                cancellation,
                on_loop(progress),
            )

    @contextmanager
    def _reaching(self, domain: str, insecure: bool) -> Iterator[Registry]:
        """The registries, one of which may be insecure for this once."""
        if not insecure:
            yield self._registry
            return
        registry = self._registry.trusting(domain)
        try:
            yield registry
        finally:
            registry.close()

    async def search(
        self,
        term: str,
        *,
        limit: int,
        filters: Filters | None = None,
        credentials: Credentials = ANONYMOUS,
    ) -> Sequence[Hit]:
        """Repositories that the index knows of for a term. Raises BadLimit, BadSearchFilter."""
        cancellation = Cancellation()
        test = searches.parse_filters(filters or {})
        hits = await self._workers.run_cancellable(
            cancellation, searches.search, self._registry, term, limit, credentials, cancellation
        )
        return [hit for hit in hits if test(hit)]


class Archive:
    """The pieces of an archive. An object, for closing it must end its lease even if unread."""

    def __init__(self, pieces: Iterator[bytes], held: ExitStack, workers: Workers) -> None:
        self._pieces = pieces
        self._held = held
        self._workers = workers

    def __aiter__(self) -> "Archive":
        return self

    async def __anext__(self) -> bytes:
        data: bytes = await self._workers.run(next, self._pieces, b"")
        if data:
            return data
        await self.aclose()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Nobody reads on."""
        held, self._held = self._held, ExitStack()
        await self._workers.run(held.close)  # it may have bytes to collect
