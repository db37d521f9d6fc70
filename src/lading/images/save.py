"""Saving images: one tar that is an OCI layout and a docker archive at the same time.

    blobs/sha256/<hex>    every manifest, config and layer, as it is stored
    index.json            OCI: one entry per name, with the name in annotations
    manifest.json         Docker: config, names and layers of each image
    oci-layout

First all is decided (`plan`), then the pieces are given out one by one: nothing is copied to a
temporary place, and memory holds one piece. Equal images give equal bytes: entries are sorted and
carry no times. Sources: OCI image-spec, image-layout.md; moby, image/tarexport.
"""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from lading.images import lookup, push_plan, records
from lading.images.leases import Lease
from lading.images.lookup import NoSuchImage
from lading.images.oci_layout import IMAGE_NAME, REF_NAME
from lading.images.push_plan import NoPlatformHere
from lading.images.records import ImageRecord, PlatformRecord
from lading.images.stores import Stores
from lading.oci import digest as digests
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci import platform as platforms
from lading.oci import reference as references
from lading.oci.manifest import Descriptor, Index, Manifest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.storage.layers import TarEntry, TarWriter
from lading.storage.layers.tar_entry import DIRECTORY
from lading.storage.layers.tar_writer import padding

PIECE_BYTES = 256 * 1024  # larger ones are fresh pages each time: twice the CPU seconds


class Chosen(NamedTuple):
    """An image to save, with the names that were meant."""

    record: ImageRecord
    names: tuple[Reference, ...]


class Plan(NamedTuple):
    """The members: blobs by digest with their sizes, and small documents by name."""

    blobs: dict[str, int]
    documents: dict[str, bytes]


def choose(stores: Stores, names: Sequence[str]) -> list[Chosen]:
    """What the names mean: a tag, an ID, or every tag of a repository. Raises NoSuchImage."""
    chosen: dict[str, Chosen] = {}
    for name in names:
        for record, reference in _meant(stores, name):
            known = chosen.get(record.digest, Chosen(record, ()))
            more = () if reference is None or reference in known.names else (reference,)
            chosen[record.digest] = known._replace(names=(*known.names, *more))
    return list(chosen.values())


def plan(
    stores: Stores, chosen: Sequence[Chosen], wanted: Sequence[Platform], lease: Lease
) -> Plan:
    """Decide what is in the archive; everything in it is leased. Raises NoPlatformHere."""
    blobs: dict[str, int] = {}
    index: list[Descriptor] = []
    items: list[dict[str, object]] = []
    for image in chosen:
        record = image.record
        lease.add(*_parts(stores, record.digest))
        here = _platforms(record, wanted)
        target = Descriptor(record.media_type, record.digest, record.size)
        only = {each.manifest for each in here} if wanted else None
        _collect(stores, target, only, blobs)
        index += [_named(target, name) for name in image.names] or [target]
        if here:
            items.append(_item(stores, here[0], image.names, blobs))
    return Plan(blobs, _documents(index, items))


def plan_of(stores: Stores, target: Descriptor, names: Sequence[Reference], best: Platform) -> Plan:
    """The plan for something that no image record tells of; the caller keeps its bytes."""
    blobs: dict[str, int] = {}
    _collect(stores, target, None, blobs)
    found = push_plan.read(stores.content, push_plan.select(stores.content, target, best))
    items = []
    if not isinstance(found.parsed, Index):
        items.append(_item_of(found.parsed, names, blobs))
    return Plan(blobs, _documents([_named(target, name) for name in names] or [target], items))


def pieces(stores: Stores, planned: Plan) -> Iterator[bytes]:
    """The archive's bytes. Raises OSError when the disk fails."""
    buffer = bytearray()
    writer = TarWriter(buffer.extend)
    algorithms = sorted({digest.partition(":")[0] for digest in planned.blobs})
    for directory in ("blobs", *(f"blobs/{algorithm}" for algorithm in algorithms)):
        writer.add(TarEntry(directory.encode(), DIRECTORY, mode=0o755))
    for digest, size in sorted(planned.blobs.items()):
        writer.begin(TarEntry(_path(digest).encode(), size=size))
        yield bytes(buffer)
        buffer.clear()
        yield from _blob(stores, digest, size)
        buffer += padding(size)
    for name, data in sorted(planned.documents.items()):
        writer.begin(TarEntry(name.encode(), size=len(data)))
        buffer += data + padding(len(data))
    writer.close()
    yield bytes(buffer)


def _blob(stores: Stores, digest: str, size: int) -> Iterator[bytes]:
    with open(stores.content.open(digest), "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        left = size
        while left and (data := file.read(min(left, PIECE_BYTES))):
            left -= len(data)
            yield data
        if left:
            raise OSError(f"blob {digest} is shorter than it was")


def _meant(stores: Stores, name: str) -> list[tuple[ImageRecord, Reference | None]]:
    read = stores.database.read
    try:
        reference = references.parse(name)
    except references.InvalidReference:
        reference = None
    if reference and not reference.tag and not reference.digest:
        tags = read(lambda c: records.names_of(c, reference.name))
        found = [(_get(stores, digest), tag) for tag, digest in sorted(tags.items())]
        if found:
            return [(record, reference.with_tag(tag)) for record, tag in found if record]
    try:
        record, by_name = read(lambda c: lookup.find(c, name))
    except NoSuchImage:
        raise NoSuchImage(name) from None
    return [(record, by_name if by_name and by_name.tag else None)]


def _get(stores: Stores, digest: str) -> ImageRecord | None:
    return stores.database.read(lambda c: records.get(c, digest))


def _parts(stores: Stores, digest: str) -> set[str]:
    return stores.database.read(lambda c: records.parts(c, digest))


def _platforms(record: ImageRecord, wanted: Sequence[Platform]) -> list[PlatformRecord]:
    """The platforms to save, the one for manifest.json first. Raises NoPlatformHere."""
    offered = [platforms.parse(p.platform) if p.platform else None for p in record.platforms]
    if not wanted:
        best = platforms.select(offered, platforms.host()) or 0
        return sorted(record.platforms, key=lambda each: each != record.platforms[best])
    found: list[PlatformRecord] = []
    for platform in wanted:
        position = platforms.select(offered, platform)
        if position is None:
            raise NoPlatformHere(platform)
        found.append(record.platforms[position])
    return found


def _collect(
    stores: Stores, target: Descriptor, only: set[str] | None, blobs: dict[str, int]
) -> None:
    """Add everything that hangs on the target and is here."""
    document = push_plan.read(stores.content, target)
    blobs[target.digest] = len(document.data)
    if isinstance(document.parsed, Index):
        for entry in document.parsed.manifests:
            is_wanted = only is None or entry.digest in only or _is_index(entry)
            if is_wanted and stores.content.has(entry.digest):
                _collect(stores, entry, only, blobs)
        return
    for blob in (document.parsed.config, *document.parsed.layers):
        if stores.content.has(blob.digest):
            blobs[blob.digest] = stores.content.size(blob.digest)


def _is_index(entry: Descriptor) -> bool:
    return entry.media_type in media_types.INDEXES


def _item(
    stores: Stores,
    platform: PlatformRecord,
    names: Sequence[Reference],
    blobs: dict[str, int],
) -> dict[str, object]:
    """An entry of manifest.json. Raises InvalidManifest."""
    data = stores.content.read_bytes(platform.manifest, manifests.MANIFEST_LIMIT)
    parsed = manifests.parse(data)
    if isinstance(parsed, Index):
        raise manifests.InvalidManifest(f"{platform.manifest} is an index")
    return _item_of(parsed, names, blobs)


def _item_of(
    manifest: Manifest, names: Sequence[Reference], blobs: dict[str, int]
) -> dict[str, object]:
    return {
        "Config": _path(manifest.config.digest),
        "RepoTags": [name.familiar for name in names] or None,
        "Layers": [_path(layer.digest) for layer in manifest.layers if layer.digest in blobs],
    }


def _named(target: Descriptor, name: Reference) -> Descriptor:
    annotations = {IMAGE_NAME: str(name), REF_NAME: name.tag or ""}
    return Descriptor(target.media_type, target.digest, target.size, annotations=annotations)


def _documents(index: list[Descriptor], items: list[dict[str, object]]) -> dict[str, bytes]:
    document = Index(index, media_type=media_types.INDEX)
    return {
        "index.json": manifests.encode(document),
        "manifest.json": msgspec.json.encode(items) + b"\n",
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }


def _path(digest: str) -> str:
    algorithm = digest.partition(":")[0]
    return f"blobs/{algorithm}/{digests.encoded(digest)}"
