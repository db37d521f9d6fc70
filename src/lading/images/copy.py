"""Copying images between registries and archives: through the content store, never unpacked.

    registry -> registry    documents first; a blob is fetched only if the target has not got it
    archive  -> registry    the archive is read into the store, then pushed
    registry -> archive     everything is fetched, then given out as `save` does

What was brought in for a copy is leased while it lasts and collected when it ends. Every digest
stays, whole indexes with their attestations included.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from lading.images import archive as archives
from lading.images import docker_archive, oci_layout, push_plan, save
from lading.images.archive import BadArchive
from lading.images.download import Downloader
from lading.images.gc import lease_and_collect
from lading.images.leases import Lease
from lading.images.progress import LayerProgress, Progress
from lading.images.push import Pushed, PushRequest, send
from lading.images.stores import Stores
from lading.oci import digest as digests
from lading.oci import manifest as manifests
from lading.oci import platform as platforms
from lading.oci.manifest import Descriptor, Index
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.registry.client import Cancellation, Registry, Repository
from lading.registry.client.tokens import Authorize
from lading.storage.layers import Source

DEEPEST_INDEX = 8


class CopyRequest(NamedTuple):
    """From where, and what is common to all ways of copying. No platform means all of them."""

    progress: Progress
    cancellation: Cancellation
    source: Reference | None = None
    source_authorize: Authorize | None = None
    platform: Platform | None = None


def to_registry(
    stores: Stores,
    registry: Registry,
    request: CopyRequest,
    target: Reference,
    authorize: Authorize | None,
    archive: Source | None = None,
) -> Pushed:
    """Copy the source, or the one image of an archive, to a registry. Blocks.

    Raises what the registries say, BadArchive.
    """
    push = PushRequest(target, None, request.progress, request.cancellation, authorize)
    name = target.digest or target.tag or ""
    request.progress({"status": f"The push refers to repository [{target.name}]"})
    with lease_and_collect(stores) as lease:
        if archive is not None:
            found = _read_archive(stores, archive, request, lease)
            return send(stores, registry, push, name, found)
        with _staged(stores, registry, request, lease) as (found, fetch):
            source = request.source
            near = [source.path] if source and source.domain == target.domain else []
            return send(stores, registry, push, name, found, fetch=fetch, near=near)


def to_archive(stores: Stores, registry: Registry, request: CopyRequest, lease: Lease) -> save.Plan:
    """Fetch the source and plan an archive of it; the caller keeps the lease while it is read."""
    with _staged(stores, registry, request, lease) as (found, fetch):
        plan = push_plan.make(stores.content, found, is_there=lambda _: False)
        for blob in plan.blobs:
            report = LayerProgress(digests.short(blob.digest))
            report.listen(request.progress)
            fetch(blob, report)
    names = (request.source,) if request.source and request.source.tag else ()
    return save.plan_of(stores, found, names, request.platform or platforms.host())


Fetch = Callable[[Descriptor, LayerProgress], None]


@contextmanager
def _staged(
    stores: Stores, registry: Registry, request: CopyRequest, lease: Lease
) -> Iterator[tuple[Descriptor, Fetch]]:
    """The source's documents in the store, and a way to get its blobs."""
    assert request.source is not None
    repository, target = registry.resolve(
        request.source, cancellation=request.cancellation, authorize=request.source_authorize
    )
    stage = _Stage(stores, registry, repository, request, lease)
    downloader = Downloader(
        stores.content, repository, policy=registry.policy, cancellation=request.cancellation
    )

    def fetch(blob: Descriptor, report: LayerProgress) -> None:
        lease.add(blob.digest)
        downloader.fetch(blob, report)

    yield stage.document(target, 0), fetch


class _Stage:
    """The documents of one image, on their way into the store."""

    def __init__(
        self,
        stores: Stores,
        registry: Registry,
        repository: Repository,
        request: CopyRequest,
        lease: Lease,
    ) -> None:
        self._stores = stores
        self._registry = registry
        self._repository = repository
        self._request = request
        self._lease = lease

    def document(self, target: Descriptor, depth: int) -> Descriptor:
        """Store a manifest, or an index with all below it; returns what is to be copied."""
        if depth > DEEPEST_INDEX:
            raise manifests.InvalidManifest("indexes are nested too deep")
        self._lease.add(target.digest)
        fetched = self._registry.fetch_manifest(
            self._repository, target.digest, cancellation=self._request.cancellation
        )
        self._store(fetched.descriptor.digest, fetched.data)
        if isinstance(fetched.parsed, Index):
            wanted = self._request.platform
            if wanted:
                return self.document(_select(fetched.parsed, wanted), depth + 1)
            for entry in fetched.parsed.manifests:
                self.document(entry, depth + 1)
        return fetched.descriptor

    def _store(self, digest: str, data: bytes) -> None:
        content = self._stores.content
        if content.has(digest):
            return
        with content.ingest(f"blob {digest}", expected_digest=digest) as ingest:
            ingest.write(memoryview(data)[ingest.offset :])
            ingest.commit()


def _select(index: Index, wanted: Platform) -> Descriptor:
    entries = index.images()
    position = platforms.select([entry.platform for entry in entries], wanted)
    if position is None:
        raise push_plan.NoPlatformHere(wanted)
    return entries[position]


def _read_archive(stores: Stores, source: Source, request: CopyRequest, lease: Lease) -> Descriptor:
    """The one image of an archive. Raises BadArchive when there are several."""
    archive = archives.read(stores, source, lease, check=request.cancellation.check)
    if "index.json" in archive.documents:
        data = archive.documents["index.json"]
        found = oci_layout.read_index(stores.content, data, request.platform)
    else:
        items = docker_archive.parse(archive.documents.get("manifest.json", b"[]"))
        found = [docker_archive.read_item(stores.content, archive, i, lease) for i in items]
    if len(found) != 1:
        raise BadArchive(f"it holds {len(found)} images, and one is to be copied")
    lease.add(found[0].target.digest)
    if request.platform:
        return push_plan.select(stores.content, found[0].target, request.platform)
    return found[0].target
