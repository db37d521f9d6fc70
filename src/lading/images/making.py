"""Images that are made here: of an archive, of a container's changes, of the host's programs.

A part of the images service (`Images.making`); coroutines here never block either.
"""

from collections.abc import AsyncIterable, Callable, Sequence

from lading.images import make
from lading.images import progress as progress_texts
from lading.images.byte_queue import ByteQueue
from lading.images.catalog import Catalog
from lading.images.flights import Flights
from lading.images.from_host.build import BuildRequest, build
from lading.images.image import Image
from lading.images.import_source import fetched
from lading.images.progress import Progress
from lading.images.stores import Stores
from lading.images.workers import Workers, on_loop
from lading.oci import platform as platforms
from lading.oci import reference as references
from lading.oci.reference import InvalidReference, Reference
from lading.registry.client import Cancellation, Registry


class Making:
    """One per engine; `wake` tells the journal's readers that there is something new."""

    def __init__(
        self,
        stores: Stores,
        registry: Registry,
        workers: Workers,
        flights: Flights,
        catalog: Catalog,
        wake: Callable[[], None],
    ) -> None:
        self._stores = stores
        self._registry = registry
        self._workers = workers
        self._flights = flights
        self._catalog = catalog
        self._wake = wake

    async def from_host(self, tag: str, tools: Sequence[str] | None) -> Image:
        """Make an image of the host's own programs and name it; None: those of `base`.

        Raises ProgramNotFound, NoTools, LibraryNotFound.
        """
        cancellation = Cancellation()
        request = BuildRequest(new_name(tag), tools, cancellation)
        digest = await self._workers.run_cancellable(
            cancellation, build, self._stores, self._flights, request
        )
        self._wake()
        return await self._workers.run(self._catalog.find, digest)

    async def import_(
        self,
        chunks: AsyncIterable[bytes],
        *,
        name: str = "",
        message: str = "",
        origin: str = "-",
        changes: Sequence[str] = (),
        platform: str | None = None,
        progress: Progress = progress_texts.ignore,
    ) -> Image:
        """Make an image of one layer of a file system archive: the chunks, or what a URL has.

        Raises BadChange, BadTar and what else storage says, import_source.BadSource.
        """
        cancellation = Cancellation()
        request = make.ImportRequest(
            cancellation,
            new_name(name) if name else None,
            message,
            origin,
            changes,
            platforms.parse(platform) if platform else None,
        )
        if origin == "-":
            queue = ByteQueue()
            digest = await self._workers.run_fed(
                cancellation, queue, chunks, make.import_, self._stores, request, queue
            )
        else:
            digest = await self._workers.run_cancellable(
                cancellation, self._import_from, request, on_loop(progress)
            )
        self._wake()
        return await self._workers.run(self._catalog.find, digest)

    def _import_from(self, request: make.ImportRequest, progress: Progress) -> str:
        with fetched(self._registry, request.origin, progress, request.cancellation) as source:
            return make.import_(self._stores, request, source)

    async def commit(self, request: make.CommitRequest) -> Image:
        """Make an image of a container's changes on top of its image. Raises BadChange."""
        digest = await self._workers.run(make.commit, self._stores, request)
        self._wake()
        return await self._workers.run(self._catalog.find, digest)


def new_name(text: str) -> Reference:
    """A name that somebody gives to an image. Raises InvalidReference."""
    reference = references.parse(text)
    if reference.digest:
        raise InvalidReference("refusing to create a tag with a digest reference")
    return reference.with_default_tag()
