"""Images of an OCI layout (image-spec, image-layout.md): index.json names the manifests.

`docker save` writes this form, too, beside its own manifest.json; names are annotations then.
"""

from typing import NamedTuple

from lading.images.archive import BadArchive
from lading.images.publish import Ready
from lading.oci import config as configs
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci import platform as platforms
from lading.oci import reference as references
from lading.oci.manifest import Descriptor, Index
from lading.oci.platform import Platform
from lading.storage.content import ContentStore

IMAGE_NAME = "io.containerd.image.name"  # whole name, written by docker save and containerd
REF_NAME = "org.opencontainers.image.ref.name"  # a tag, or a whole name (skopeo)
DEEPEST_INDEX = 8


class Loadable(NamedTuple):
    """An image that an archive has: its descriptor, its complete platforms, its names."""

    target: Descriptor
    platforms: tuple[Ready, ...]
    names: tuple[str, ...]
    beside: tuple[str, ...] = ()  # blobs of attestations and other artifacts


def read_index(content: ContentStore, data: bytes, wanted: Platform | None) -> list[Loadable]:
    """The images of an index.json whose blobs are in the store. Raises BadArchive."""
    try:
        index = manifests.parse(data)
    except manifests.InvalidManifest as error:
        raise BadArchive(f"index.json: {error}") from error
    if not isinstance(index, Index):
        raise BadArchive("index.json is not an index")
    found: dict[str, Loadable] = {}
    for entry in index.images():
        names = _names(entry)
        known = found.get(entry.digest)
        if known:
            found[entry.digest] = known._replace(names=(*known.names, *names))
            continue
        complete = _complete(content, entry, wanted)
        if complete:
            target = Descriptor(entry.media_type, entry.digest, content.size(entry.digest))
            beside = () if wanted else tuple(_beside(content, target, 0))
            found[entry.digest] = Loadable(target, tuple(complete), names, beside)
    if not found:
        raise BadArchive("it holds no complete image for this platform")
    return list(found.values())


def _names(entry: Descriptor) -> tuple[str, ...]:
    """The full name that an entry has; a mere tag says nothing about the repository."""
    annotations = entry.annotations or {}
    name = annotations.get(IMAGE_NAME, "")
    if not name and any(mark in annotations.get(REF_NAME, "") for mark in ":/"):
        name = annotations[REF_NAME]
    try:
        return (str(references.parse(name).with_default_tag()),) if name else ()
    except references.InvalidReference:
        return ()


def _complete(content: ContentStore, entry: Descriptor, wanted: Platform | None) -> list[Ready]:
    """The image's platforms that are whole in the archive, the one that runs here first."""
    found = [ready for ready in _walk(content, entry, ()) if ready]
    offered = [_platform(ready) for ready in found]
    first = platforms.select(offered, wanted or platforms.host())
    if first is None:
        return [] if wanted else found
    if wanted:
        return [found[first]]
    return [found[first], *(ready for n, ready in enumerate(found) if n != first)]


def _walk(content: ContentStore, entry: Descriptor, parents: tuple[str, ...]) -> list[Ready]:
    if not content.has(entry.digest) or len(parents) > DEEPEST_INDEX:
        return []
    data = content.read_bytes(entry.digest, manifests.MANIFEST_LIMIT)
    document = manifests.parse(data, entry.media_type)
    if isinstance(document, Index):
        below = (*parents, entry.digest)
        return [ready for each in document.images() for ready in _walk(content, each, below)]
    if document.config.media_type not in media_types.CONFIGS:
        return []
    if not all(content.has(blob.digest) for blob in (document.config, *document.layers)):
        return []
    config = configs.parse(content.read_bytes(document.config.digest, configs.CONFIG_LIMIT))
    return [Ready(entry, document, config, parents)]


def _beside(content: ContentStore, entry: Descriptor, depth: int) -> list[str]:
    """What an index has beside images, as far as it is here: documents and their blobs."""
    if depth > DEEPEST_INDEX or not content.has(entry.digest):
        return []
    data = content.read_bytes(entry.digest, manifests.MANIFEST_LIMIT)
    document = manifests.parse(data, entry.media_type)
    if isinstance(document, Index):
        return [d for each in document.manifests for d in _beside(content, each, depth + 1)]
    if not entry.is_attestation() and document.config.media_type in media_types.CONFIGS:
        return []
    blobs = (document.config.digest, *(layer.digest for layer in document.layers))
    return [entry.digest, *(blob for blob in blobs if content.has(blob))]


def _platform(ready: Ready) -> Platform | None:
    if ready.config.os and ready.config.architecture:
        return Platform(ready.config.architecture, ready.config.os, ready.config.variant)
    return ready.descriptor.platform
