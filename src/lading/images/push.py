"""Pushing an image: blobs side by side, then its documents, the tag last.

Every byte goes as it is stored, so the digest in the registry is the one here. A blob that the
registry has, here or in another repository of ours, is not sent.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import NamedTuple

from lading.errors import NotFound
from lading.images import progress as texts
from lading.images import push_plan, records
from lading.images.lookup import NoSuchImage
from lading.images.progress import LayerProgress, Progress
from lading.images.push_plan import Incomplete, Plan
from lading.images.stores import Stores
from lading.oci import digest as digests
from lading.oci import media_types
from lading.oci import platform as platforms
from lading.oci.manifest import Descriptor, Index
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.registry.client import Access, Cancellation, Registry, Uploads
from lading.registry.client.tokens import Authorize

SOURCES = 4  # repositories that a blob is asked from before it is sent


# Brings a blob that is not here into the store.
Fetch = Callable[[Descriptor, LayerProgress], None]


class NoSuchTag(NotFound):
    """tag does not exist: {0}"""


class NothingToPush(NotFound):
    """An image does not exist locally with the tag: {0}"""


class PushRequest(NamedTuple):
    """What is asked for. A `reference` without tag and digest means every tag that is here."""

    reference: Reference
    platform: Platform | None
    progress: Progress
    cancellation: Cancellation
    authorize: Authorize | None = None


class Pushed(NamedTuple):
    """A name in the registry, and what it names now."""

    target: str
    descriptor: Descriptor


class Pusher:
    """Pushes images of the stores; one per engine, used by many threads."""

    def __init__(self, stores: Stores, registry: Registry) -> None:
        self._stores = stores
        self._registry = registry

    def push(self, request: PushRequest) -> list[Pushed]:
        """Push one name, or every tag of a repository. Blocks; call it in a worker thread."""
        reference = request.reference
        request.progress({"status": f"The push refers to repository [{reference.name}]"})
        chosen = self._names(reference)
        return [self.push_as(request, target, digest) for target, digest in chosen]

    def push_as(self, request: PushRequest, target: str, digest: str) -> Pushed:
        """Push an image of the store under a tag, or by its digest."""
        with self._stores.leases.lease() as lease:
            lease.add(digest, *self._stores.database.read(lambda c: records.parts(c, digest)))
            record = self._stores.database.read(lambda c: records.get(c, digest))
            if record is None:
                raise NoSuchImage(request.reference.familiar)
            descriptor = Descriptor(record.media_type, record.digest, record.size)
            return send(self._stores, self._registry, request, target, descriptor)

    def _names(self, reference: Reference) -> list[tuple[str, str]]:
        """(tag or digest, image) for what is to be pushed. Raises NothingToPush, NoSuchTag."""
        if reference.digest:
            found = self._stores.database.read(
                lambda c: records.find_digest(c, str(reference.digest))
            )
            if found is None:
                raise NoSuchImage(reference.familiar)
            return [(reference.digest, found)]
        named = self._stores.database.read(lambda c: records.names_of(c, reference.name))
        if not named:
            raise NothingToPush(reference.familiar_name)
        if reference.tag is None:
            return sorted(named.items())
        if reference.tag not in named:
            raise NoSuchTag(reference.familiar)
        return [(reference.tag, named[reference.tag])]


def send(
    stores: Stores,
    registry: Registry,
    request: PushRequest,
    target: str,
    descriptor: Descriptor,
    *,
    fetch: Fetch | None = None,
    near: Sequence[str] = (),
) -> Pushed:
    """Send an image whose bytes the caller keeps; only what the registry lacks goes over.

    `near`: repositories of that registry which should have its blobs. `fetch` brings a blob in that
    is not in the store, when it turns out to be needed.
    """
    sources = stores.database.read(
        lambda c: records.repositories_of(c, descriptor.digest, request.reference.domain)
    )
    sources = [*near, *(path for path in sources if path not in near)]
    sources = [path for path in sources if path != request.reference.path][:SOURCES]
    uploads = registry.open_for_push(
        Access(request.reference, sources=tuple(sources)),
        cancellation=request.cancellation,
        authorize=request.authorize,
    )
    chosen, instead_of = _choose(stores, uploads, request, descriptor)
    plan = push_plan.make(stores.content, chosen, is_there=uploads.has_manifest)
    _Push(stores, uploads, request, sources, registry, fetch).blobs(plan)
    for document in plan.documents[:-1]:
        if not uploads.has_manifest(document.descriptor):
            uploads.put_manifest(
                document.descriptor.digest, document.descriptor.media_type, document.data
            )
    last = plan.target
    registry.persist(
        partial(uploads.put_manifest, target, last.descriptor.media_type, last.data),
        request.cancellation,
    )
    _tell(request.progress, target, last.descriptor, instead_of)
    return Pushed(target, last.descriptor)


def _choose(
    stores: Stores, uploads: Uploads, request: PushRequest, target: Descriptor
) -> tuple[Descriptor, Descriptor | None]:
    """What is sent; and the index in whose place it is, when that is not whole here."""
    if request.platform:
        return push_plan.select(stores.content, target, request.platform), None
    try:
        push_plan.make(stores.content, target, is_there=uploads.has_manifest)
        return target, None
    except Incomplete:
        if target.media_type not in media_types.INDEXES:
            raise
    document = push_plan.read(stores.content, target)
    entries = document.parsed.images() if isinstance(document.parsed, Index) else []
    here = [entry for entry in entries if stores.content.has(entry.digest)]
    wanted = platforms.host()
    if len(here) == 1 and here[0].platform:
        wanted = here[0].platform
    return push_plan.select(stores.content, target, wanted), target


class _Push:
    """The blobs of one push."""

    def __init__(
        self,
        stores: Stores,
        uploads: Uploads,
        request: PushRequest,
        sources: Sequence[str],
        registry: Registry,
        fetch: Fetch | None,
    ) -> None:
        self._fetch = fetch
        self._stores = stores
        self._uploads = uploads
        self._request = request
        self._sources = sources
        self._registry = registry

    def blobs(self, plan: Plan) -> None:
        """Send what the registry lacks. Raises the first failure, the others given up."""
        progress = self._request.progress
        configs = {
            document.parsed.config.digest
            for document in plan.documents
            if not isinstance(document.parsed, Index)
        }
        reports = {}
        for blob in plan.blobs:
            report = reports[blob.digest] = LayerProgress(digests.short(blob.digest))
            if blob.digest not in configs:  # people are shown layers
                report.listen(progress)
            report.status(texts.PREPARING)
        for layer in plan.foreign:
            skipped = LayerProgress(digests.short(layer.digest))
            skipped.listen(progress)
            skipped.status(texts.SKIPPED)
        with ThreadPoolExecutor(self._registry.settings.uploads, thread_name_prefix="push") as pool:
            futures = [pool.submit(self._one, b, reports[b.digest]) for b in plan.blobs]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self._request.cancellation.cancel()
                for future in futures:
                    future.cancel()
                wait(futures)
                raise

    def _one(self, blob: Descriptor, report: LayerProgress) -> None:
        cancellation = self._request.cancellation
        if self._registry.persist(partial(self._uploads.has_blob, blob.digest), cancellation):
            report.status(texts.LAYER_EXISTS)
            return
        mounted = self._uploads.mount(blob.digest, self._sources)
        if mounted is not None:
            report.status(f"Mounted from {mounted}")
            return
        self._send(blob, report)
        report.status(texts.PUSHED)

    def _send(self, blob: Descriptor, report: LayerProgress) -> None:
        if not self._stores.content.has(blob.digest):
            if self._fetch is None:
                raise Incomplete(blob.digest)
            self._fetch(blob, report)
        descriptor = self._stores.content.open(blob.digest)
        try:

            def sent(offset: int) -> None:
                self._request.cancellation.check()
                report.amount(texts.PUSHING, offset, blob.size)

            self._uploads.put_blob(blob, descriptor, sent)
        finally:
            os.close(descriptor)


def _tell(
    progress: Progress, target: str, descriptor: Descriptor, instead_of: Descriptor | None
) -> None:
    digest, size = descriptor.digest, descriptor.size
    progress({"status": f"{target}: digest: {digest} size: {size}"})
    progress({"progressDetail": {}, "aux": {"Tag": target, "Digest": digest, "Size": size}})
    if instead_of:
        aux = {
            "manifestPushedInsteadOfIndex": True,
            "originalIndex": _plain(instead_of),
            "selectedManifest": _plain(descriptor),
        }
        progress({"aux": aux})


def _plain(descriptor: Descriptor) -> dict[str, object]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }
