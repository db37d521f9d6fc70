"""Loading images from an archive: spool it, see what it holds, unpack, publish.

Order of belief: an `index.json` beside `oci-layout` has the original manifests, and with them the
digests; else `manifest.json`, whose RepoTags give the names in both cases.
A refused archive leaves nothing: what it brought is collected when the lease ends.
"""

from typing import NamedTuple, NoReturn

from lading.images import archive as archives
from lading.images import docker_archive, oci_layout
from lading.images.archive import Archive, BadArchive
from lading.images.chain import ChainBuilder, LayerPlan, plan
from lading.images.flights import Flights
from lading.images.gc import lease_and_collect
from lading.images.leases import Lease
from lading.images.oci_layout import Loadable
from lading.images.progress import LayerProgress, Progress
from lading.images.publish import publish
from lading.images.stores import Stores
from lading.oci import reference as references
from lading.oci.manifest import Descriptor
from lading.oci.platform import Platform
from lading.registry.client import Cancellation
from lading.storage.layers import Source


class LoadRequest(NamedTuple):
    """What is asked for: a source of the archive's bytes, one platform or those that are there."""

    source: Source
    progress: Progress
    cancellation: Cancellation
    platform: Platform | None = None


def load(stores: Stores, flights: Flights, request: LoadRequest) -> list[str]:
    """Load every image of the archive; returns their digests. Blocks.

    Raises BadArchive and what storage says of a bad stream.
    """
    with lease_and_collect(stores) as lease:
        return _load(stores, flights, request, lease)


def _load(stores: Stores, flights: Flights, request: LoadRequest, lease: Lease) -> list[str]:
    check = request.cancellation.check
    archive = archives.read(stores, request.source, lease, check=check)
    verified = frozenset(each.digest for each in archive.files.values() if each.is_new)
    found = _images(stores, archive, request.platform, lease)
    for image in found:
        lease.add(image.target.digest)
        for ready in image.platforms:
            layers = plan(ready.manifest, ready.config)
            _unpack(stores, flights, request, lease, layers, verified)
    for image in found:
        _publish(stores, image, request.progress)
    return [image.target.digest for image in found]


def _images(
    stores: Stores, archive: Archive, wanted: Platform | None, lease: Lease
) -> list[Loadable]:
    items = docker_archive.parse(archive.documents.get("manifest.json", b"[]"))
    if "index.json" in archive.documents:
        found = oci_layout.read_index(stores.content, archive.documents["index.json"], wanted)
        return [_with_names(archive, image, items) for image in found]
    if not items:
        raise BadArchive("neither manifest.json nor index.json is in it")
    return [docker_archive.read_item(stores.content, archive, item, lease) for item in items]


def _with_names(archive: Archive, image: Loadable, items: list[docker_archive.Item]) -> Loadable:
    """Add the RepoTags of the item in manifest.json that has the same config."""
    configs = {ready.manifest.config.digest for ready in image.platforms}
    names = dict.fromkeys(image.names)
    for item in items:
        if archive.find(item.config).digest in configs:
            names.update(dict.fromkeys(docker_archive.names_of(item)))
    return image._replace(names=tuple(names))


def _unpack(
    stores: Stores,
    flights: Flights,
    request: LoadRequest,
    lease: Lease,
    layers: list[LayerPlan],
    verified: frozenset[str],
) -> None:
    lease.add(*(name for each in layers for name in (each.blob.digest, each.chain)))
    ChainBuilder(
        stores,
        layers,
        fetch=nothing_to_fetch,
        flights=flights,
        progress=request.progress,
        cancellation=request.cancellation,
        verified=verified,
    ).build()


def nothing_to_fetch(blob: Descriptor, _: LayerProgress) -> NoReturn:
    """The `Fetch` of who has every blob in the store already."""
    raise BadArchive(f"blob {blob.digest} is missing")


def _publish(stores: Stores, image: Loadable, progress: Progress) -> None:
    digest = image.target.digest
    events = [("load", digest, digest)]
    publish(
        stores,
        image.target,
        image.platforms,
        names=image.names,
        events=events,
        beside=image.beside,
    )
    for name in image.names:
        progress({"stream": f"Loaded image: {references.parse(name).familiar}\n"})
    if not image.names:
        progress({"stream": f"Loaded image ID: {digest}\n"})
