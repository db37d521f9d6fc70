"""What an index holds, entry by entry: the images that are here, those that are not, the rest.

For `?manifests=1` of list and inspect, and for `images --tree`.
"""

from typing import NamedTuple

from lading.images import push_plan
from lading.images.records import ImageRecord
from lading.images.stores import Stores
from lading.oci import media_types
from lading.oci.manifest import REFERENCE_TYPE, Descriptor, Index

REFERENCE_DIGEST = "vnd.docker.reference.digest"  # annotation: what an attestation is about
ATTESTATION = "attestation-manifest"  # value of REFERENCE_TYPE


class Entry(NamedTuple):
    """One manifest of an image."""

    descriptor: Descriptor
    kind: str  # image, attestation or unknown
    is_here: bool  # with every blob
    content_bytes: int  # of what is here: manifest, config, layers as they were sent
    unpacked_bytes: int
    platform: str
    about: str  # the image that an attestation tells of


def entries(stores: Stores, record: ImageRecord) -> list[Entry]:
    """The manifests of an image, those of nested indexes in their place."""
    target = Descriptor(record.media_type, record.digest, record.size)
    return _entries(stores, record, target, 0)


def _entries(stores: Stores, record: ImageRecord, at: Descriptor, depth: int) -> list[Entry]:
    if at.media_type in media_types.INDEXES and depth < push_plan.DEEPEST_INDEX:
        if not stores.content.has(at.digest):
            return []
        parsed = push_plan.read(stores.content, at).parsed
        listed = parsed.manifests if isinstance(parsed, Index) else []
        return [e for each in listed for e in _entries(stores, record, each, depth + 1)]
    return [_entry(stores, record, at)]


def _entry(stores: Stores, record: ImageRecord, at: Descriptor) -> Entry:
    annotations = at.annotations or {}
    kind = "attestation" if annotations.get(REFERENCE_TYPE) == ATTESTATION else "image"
    if kind == "image" and at.is_attestation():
        kind = "unknown"
    known = next((p for p in record.platforms if p.manifest == at.digest), None)
    sizes = _content(stores, at)
    platform = known.platform if known else str(at.platform or "")
    return Entry(
        at,
        kind,
        bool(sizes) and all(size is not None for size in sizes),
        sum(size or 0 for size in sizes),
        sum(layer.size for layer in known.layers) if known else 0,
        platform,
        annotations.get(REFERENCE_DIGEST, ""),
    )


def _content(stores: Stores, at: Descriptor) -> list[int | None]:
    """Bytes of each blob; None for one that is not here."""
    if not stores.content.has(at.digest):
        return []
    document = push_plan.read(stores.content, at)
    blobs = [Descriptor("", at.digest, len(document.data)), *document.blobs]
    return [stores.content.size(b.digest) if stores.content.has(b.digest) else None for b in blobs]
