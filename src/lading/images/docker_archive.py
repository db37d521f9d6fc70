"""Images of a docker archive: manifest.json names a config and layers by paths in the archive.

[{"Config": "<hex>.json", "RepoTags": ["busybox:latest"], "Layers": ["<id>/layer.tar", ...]}]
Such an archive has no manifest in the registry's sense: one is made here, the same for the same
content, so the image can be pushed and its digest does not depend on who loaded it.
"""

import msgspec
from msgspec import Struct

from lading.images.archive import Archive, BadArchive, Member
from lading.images.leases import Lease
from lading.images.oci_layout import Loadable
from lading.images.publish import Ready
from lading.oci import config as configs
from lading.oci import digest as digests
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci import reference as references
from lading.oci.manifest import Descriptor, Manifest
from lading.storage.content import ContentStore


class Item(Struct, rename="pascal"):
    """One image of manifest.json."""

    config: str
    layers: list[str] | None = None
    repo_tags: list[str] | None = None


def parse(data: bytes) -> list[Item]:
    """Read manifest.json. Raises BadArchive."""
    try:
        return msgspec.json.decode(data, type=list[Item])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadArchive(f"manifest.json: {error}") from error


def names_of(item: Item) -> tuple[str, ...]:
    """The full names of RepoTags. Raises BadArchive."""
    try:
        return tuple(str(references.parse(tag).with_default_tag()) for tag in item.repo_tags or ())
    except references.InvalidReference as error:
        raise BadArchive(f"manifest.json: {error}") from error


def read_item(content: ContentStore, archive: Archive, item: Item, lease: Lease) -> Loadable:
    """Make the manifest of one image, and store it. Raises BadArchive, InvalidConfig."""
    names = names_of(item)
    member = archive.find(item.config)
    if member.size > configs.CONFIG_LIMIT:
        raise configs.InvalidConfig(f"larger than {configs.CONFIG_LIMIT} bytes")
    config = configs.parse(content.read_bytes(member.digest, configs.CONFIG_LIMIT))
    paths = item.layers or []
    if len(paths) != len(config.diff_ids):
        raise BadArchive(
            f"manifest.json has {len(paths)} layers, the config {len(config.diff_ids)}"
        )
    manifest = Manifest(
        config=Descriptor(media_types.CONFIG, member.digest, member.size),
        layers=[_layer(content, archive.find(path)) for path in paths],
        media_type=media_types.MANIFEST,
    )
    data = manifests.encode(manifest)
    lease.add(digests.of(data))
    descriptor = Descriptor(media_types.MANIFEST, content.write_bytes(data), len(data))
    return Loadable(descriptor, (Ready(descriptor, manifest, config),), names)


def _layer(content: ContentStore, member: Member) -> Descriptor:
    """The descriptor of a layer; what compresses it is told by its first bytes."""
    with open(content.open(member.digest), "rb") as file:
        head = file.read(4)
    media_type = media_types.LAYER
    if head[:2] == b"\x1f\x8b":
        media_type = media_types.LAYER_GZIP
    elif head == b"\x28\xb5\x2f\xfd":
        media_type = media_types.LAYER_ZSTD
    return Descriptor(media_type, member.digest, member.size)
