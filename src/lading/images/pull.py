"""Pulling an image: resolve, pick the platform, fetch what is missing, publish, then name it.

reference -> descriptor -> (index -> entry)* -> manifest -> config -> layers -> rows
"""

from typing import NamedTuple

from lading.errors import InvalidArgument, NotFound
from lading.images.chain import ChainBuilder, plan
from lading.images.download import Downloader
from lading.images.flights import Flights
from lading.images.leases import Lease
from lading.images.progress import LayerProgress, Progress
from lading.images.publish import Ready, publish
from lading.images.stores import Stores
from lading.images.trust import Trust
from lading.oci import config as configs
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci import platform as platforms
from lading.oci.config import ImageConfig
from lading.oci.manifest import Descriptor, Index, Manifest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.registry.client import Cancellation, Registry, Repository
from lading.registry.client.tokens import Authorize

DEEPEST_INDEX = 8  # indexes within indexes


class NoMatchingPlatform(NotFound):
    """no matching manifest for {0} in the manifest list entries"""


class NotAnImage(InvalidArgument):
    """{0}: unsupported media type {1}: this is not a container image"""


class TooDeep(InvalidArgument):
    """{0}: indexes are nested too deep"""


class PullRequest(NamedTuple):
    """What is asked for. `reference` has a tag or a digest."""

    reference: Reference
    platform: Platform | None
    progress: Progress
    cancellation: Cancellation
    authorize: Authorize | None = None


class Puller:
    """Pulls images into the stores; one per engine, used by many threads."""

    def __init__(
        self, stores: Stores, registry: Registry, flights: Flights, trust: Trust | None = None
    ) -> None:
        self._trust = trust
        self._stores = stores
        self._registry = registry
        self._flights = flights

    def pull(self, request: PullRequest) -> str:
        """Pull and name an image; returns its digest. Blocks; call it in a worker thread."""
        reference = request.reference
        repository, target = self._registry.resolve(
            reference, cancellation=request.cancellation, authorize=request.authorize
        )
        shown = reference.digest or reference.tag or ""
        request.progress({"status": f"Pulling from {reference.path}", "id": shown})
        with self._stores.leases.lease() as lease:
            return _OnePull(self, request, repository, target, lease).run()

    def pull_all(self, request: PullRequest) -> list[str]:
        """Pull every tag of a repository; a tag that is for other platforms only is left out."""
        tags = self._registry.tags(
            request.reference, cancellation=request.cancellation, authorize=request.authorize
        )
        pulled = []
        for tag in tags:
            try:
                one = request._replace(reference=request.reference.with_tag(tag))
                pulled.append(self.pull(one))
            except (NoMatchingPlatform, NotAnImage) as error:
                request.progress({"status": f"{tag}: {error}"})
        return pulled


class _OnePull:
    """One pull's state: where it comes from, what it keeps."""

    def __init__(
        self,
        puller: Puller,
        request: PullRequest,
        repository: Repository,
        target: Descriptor,
        lease: Lease,
    ) -> None:
        self._stores = puller._stores
        self._registry = puller._registry
        self._flights = puller._flights
        self._trust = puller._trust
        self._request = request
        self._repository = repository
        self._target = target
        self._lease = lease
        self._downloader = Downloader(
            self._stores.content,
            repository,
            policy=self._registry.policy,
            cancellation=request.cancellation,
        )

    def run(self) -> str:
        request, target = self._request, self._target
        ready = self._platform(target)
        self._check_trust(ready)
        self._layers(ready)
        name = str(request.reference)
        is_new = publish(
            self._stores,
            target,
            [ready],
            names=[name],
            events=[("pull", request.reference.familiar, request.reference.familiar_name)],
        )
        familiar = request.reference.familiar
        request.progress({"status": f"Digest: {target.digest}"})
        verb = "Downloaded newer image for" if is_new else "Image is up to date for"
        request.progress({"status": f"Status: {verb} {familiar}"})
        return target.digest

    def _check_trust(self, ready: Ready) -> None:
        """What the signature policy says; before anything is fetched that may be large."""
        if self._trust is None:
            return
        digests = dict.fromkeys((self._target.digest, *ready.parents, ready.descriptor.digest))
        reference = self._request.reference
        by = self._trust.check(self._repository, reference, list(digests))
        if by:
            self._request.progress({"status": f"Signature verified by {by}"})

    def _platform(self, target: Descriptor) -> Ready:
        """Follow indexes to the manifest that runs here, then read its config."""
        parents: list[str] = []
        current = target
        for _ in range(DEEPEST_INDEX):
            document = self._document(current)
            if isinstance(document, Manifest):
                return Ready(current, document, self._config(document), tuple(parents))
            parents.append(current.digest)
            current = self._select(document)
        raise TooDeep(self._request.reference.familiar)

    def _select(self, index: Index) -> Descriptor:
        wanted = self._request.platform or platforms.host()
        entries = index.images()
        position = platforms.select([entry.platform for entry in entries], wanted)
        if position is None:
            raise NoMatchingPlatform(wanted)
        return entries[position]

    def _document(self, descriptor: Descriptor) -> Manifest | Index:
        """A manifest or index, from the store or from the registry; stored when this returns."""
        content = self._stores.content
        self._lease.add(descriptor.digest)
        if content.has(descriptor.digest):
            data = content.read_bytes(descriptor.digest, manifests.MANIFEST_LIMIT)
            return manifests.parse(data, descriptor.media_type)
        fetched = self._registry.fetch_manifest(
            self._repository, descriptor.digest, cancellation=self._request.cancellation
        )
        self._store(descriptor, fetched.data)
        return fetched.parsed

    def _store(self, descriptor: Descriptor, data: bytes) -> None:
        with self._stores.content.ingest(
            f"blob {descriptor.digest}", expected_digest=descriptor.digest
        ) as ingest:
            ingest.write(memoryview(data)[ingest.offset :])
            ingest.commit()

    def _config(self, manifest: Manifest) -> ImageConfig:
        blob = manifest.config
        if blob.media_type not in media_types.CONFIGS:
            raise NotAnImage(self._request.reference.familiar, blob.media_type)
        if blob.size > configs.CONFIG_LIMIT:
            raise configs.InvalidConfig(f"larger than {configs.CONFIG_LIMIT} bytes")
        self._lease.add(blob.digest)
        self._downloader.fetch(blob, LayerProgress(""))
        return configs.parse(self._stores.content.read_bytes(blob.digest, configs.CONFIG_LIMIT))

    def _layers(self, ready: Ready) -> None:
        layers = plan(ready.manifest, ready.config)
        self._lease.add(*(digest for each in layers for digest in (each.blob.digest, each.chain)))
        ChainBuilder(
            self._stores,
            layers,
            fetch=self._downloader.stream,
            flights=self._flights,
            progress=self._request.progress,
            cancellation=self._request.cancellation,
            workers=self._registry.settings.downloads,
        ).build()
