"""An image as the rest of the engine sees it: a frozen record with its config read."""

from typing import NamedTuple

from lading.images.records import ImageRecord, Layer, PlatformRecord
from lading.oci import reference as references
from lading.oci.config import History, ImageConfig
from lading.oci.manifest import Descriptor

ZERO_TIME = "0001-01-01T00:00:00Z"  # Go's zero, which Docker shows for an image without a date


class Image(NamedTuple):
    """One platform of an image, complete and unpacked."""

    id: str  # digest of the manifest or index that names point to
    descriptor: Descriptor  # of that document
    manifest_digest: str  # of the platform's manifest; equal to `id` without an index
    config_digest: str
    config: ImageConfig
    chain_id: str  # parent for a container's snapshot; "" for an image without layers
    platform: str  # "linux/amd64"
    layers: tuple[Layer, ...]
    repo_tags: list[str]  # familiar: "busybox:latest"
    repo_digests: list[str]  # familiar: "busybox@sha256:..."
    size: int  # bytes of the unpacked layers
    blob_bytes: int  # config and layers as they were sent
    created: str  # RFC 3339, ZERO_TIME when the config does not say
    added_ns: int = 0  # it came to this store
    used_ns: int = 0  # a container was last made of it; 0: never

    @property
    def is_dangling(self) -> bool:
        """Whether nothing names it."""
        return not self.repo_tags and not self.repo_digests


class HistoryEntry(NamedTuple):
    """One step of an image's making, newest first in `history`."""

    id: str  # the image's for the newest step, "<missing>" for the others
    created: str
    created_by: str
    tags: list[str]
    size: int  # bytes that the step's layer unpacked to; 0 when it made none
    comment: str


def make(record: ImageRecord, platform: PlatformRecord, config: ImageConfig) -> Image:
    """The image of a record, for one of its platforms."""
    named = [references.parse(name) for name in record.names]
    digests = [reference.with_digest(record.digest).familiar for reference in named]
    return Image(
        id=record.digest,
        descriptor=Descriptor(record.media_type, record.digest, record.size),
        manifest_digest=platform.manifest,
        config_digest=platform.config,
        config=config,
        chain_id=platform.chain,
        platform=platform.platform,
        layers=platform.layers,
        repo_tags=[reference.familiar for reference in named if reference.tag],
        repo_digests=list(dict.fromkeys(digests)),
        size=sum(layer.size for layer in platform.layers),
        blob_bytes=platform.blob_bytes,
        created=config.created or ZERO_TIME,
        added_ns=record.added_ns,
        used_ns=record.used_ns,
    )


def history(image: Image) -> list[HistoryEntry]:
    """The steps that made the image, newest first; sizes go to the steps that made a layer."""
    steps = image.config.history or [History() for _ in image.layers]
    sizes = iter(image.layers)
    entries = []
    for step in steps:
        layer = None if step.empty_layer else next(sizes, None)
        created = step.created or image.created
        size = layer.size if layer else 0
        entries.append(HistoryEntry("<missing>", created, step.created_by, [], size, step.comment))
    entries.reverse()
    if entries:
        entries[0] = entries[0]._replace(id=image.id, tags=image.repo_tags)
    return entries
