"""Making an image of layers that are in the stores: config, manifest, rows, name.

`import` makes one of a single layer, `commit` one of another image's layers and one more. Equal
layers, config and dates give equal bytes and so the same digest.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from lading.images import changes, new_layer, pipe
from lading.images.gc import lease_and_collect
from lading.images.image import Image
from lading.images.leases import Lease
from lading.images.new_layer import NewLayer
from lading.images.publish import Ready, publish
from lading.images.stores import Stores
from lading.oci import config as configs
from lading.oci import digest as digests
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci import platform as platforms
from lading.oci.config import ExecutionConfig, History, ImageConfig, RootFilesystem
from lading.oci.manifest import Descriptor, Index, Manifest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.registry.client import Cancellation
from lading.storage.layers import Source

Produce = Callable[[Callable[[bytes], object]], object]  # writes a layer's tar through a function


class ImportRequest(NamedTuple):
    """A file system archive that becomes an image of one layer."""

    cancellation: Cancellation
    name: Reference | None = None
    message: str = ""  # comment of the history entry
    origin: str = "-"  # where the archive came from, for the history
    changes: Sequence[str] = ()
    platform: Platform | None = None


class CommitRequest(NamedTuple):
    """A container's changes that become a layer on top of its image.

    `write` is called with a function that takes the pieces of the layer's tar, and may run in
    another thread: `storage.layers.write_layer(upper, ...)` with the upper directory's descriptor.
    """

    write: Produce
    base: Image | None
    execution: ExecutionConfig
    created_by: str = ""
    author: str = ""
    comment: str = ""
    changes: Sequence[str] = ()
    name: Reference | None = None
    container: str = ""  # its id and its configuration, which old clients ask an image for
    container_config: dict[str, object] | None = None


def import_(stores: Stores, request: ImportRequest, source: Source) -> str:
    """Import an archive; returns the image's digest. Blocks.

    Raises BadChange and what storage says of a bad archive; nothing is left then.
    """
    execution = changes.apply(ExecutionConfig(), request.changes)
    platform = request.platform or platforms.host()
    with lease_and_collect(stores) as lease:
        check = request.cancellation.check
        layer = new_layer.add(stores, source, lease, parent=None, check=check)
        created = _now()
        config = ImageConfig(
            architecture=platform.architecture,
            os=platform.os,
            variant=platform.variant,
            created=created,
            config=execution,
        )
        step = History(
            created=created, comment=request.message or f"Imported from {request.origin}"
        )
        ready = _write(stores, None, config, layer, step, lease)
        request.cancellation.check()
        digest = ready.descriptor.digest
        shown = request.name.familiar if request.name else digest
        _publish(stores, ready, request.name, [("import", digest, shown)])
        return digest


def commit(stores: Stores, request: CommitRequest) -> str:
    """Make an image of a container's changes; returns its digest. Blocks. Raises BadChange."""
    execution = changes.apply(request.execution, request.changes)
    base = request.base
    with lease_and_collect(stores) as lease:
        if base:
            lease.add(base.id, base.manifest_digest, base.config_digest)
            lease.add(*(layer.chain for layer in base.layers))
        parent = base.chain_id or None if base else None
        with pipe.reading(request.write) as source:
            layer = new_layer.add(stores, source, lease, parent=parent)
        created = _now()
        below = base.config if base else _of_host()
        config = replace(
            below,
            config=execution,
            created=created,
            author=request.author,
            parent=base.id if base else "",
            container=request.container,
            container_config=request.container_config,
        )
        step = History(
            created=created,
            created_by=request.created_by,
            author=request.author,
            comment=request.comment,
        )
        ready = _write(stores, base, config, layer, step, lease)
        digest = ready.descriptor.digest
        events = [("create", digest, digest)]
        if request.name:
            events.append(("tag", digest, request.name.familiar))
        _publish(stores, ready, request.name, events)
        return digest


def _write(
    stores: Stores,
    base: Image | None,
    config: ImageConfig,
    layer: NewLayer,
    step: History,
    lease: Lease,
) -> Ready:
    """Store config and manifest of the base's layers and this one on top."""
    below = _manifest_of(stores, base) if base else None
    is_docker = below is not None and below.media_type == media_types.DOCKER_MANIFEST
    config = replace(
        config,
        rootfs=RootFilesystem([*config.diff_ids, layer.diff_id]),
        history=[*(config.history or _unknown_steps(base)), step],
    )
    data = configs.encode(config)
    described = Descriptor(
        media_types.DOCKER_CONFIG if is_docker else media_types.CONFIG, digests.of(data), len(data)
    )
    blob = layer.blob
    if is_docker and blob.media_type == media_types.LAYER_GZIP:
        blob = Descriptor(media_types.DOCKER_LAYER_GZIP, blob.digest, blob.size)
    manifest = Manifest(
        described,
        [*(below.layers if below else ()), blob],
        media_type=media_types.DOCKER_MANIFEST if is_docker else media_types.MANIFEST,
    )
    document = manifests.encode(manifest)
    target = Descriptor(str(manifest.media_type), digests.of(document), len(document))
    lease.add(described.digest, target.digest, *(blob.digest for blob in manifest.layers))
    for content in (data, document):
        stores.content.write_bytes(content)
    return Ready(target, manifest, config)


def _publish(
    stores: Stores, ready: Ready, name: Reference | None, events: Sequence[tuple[str, str, str]]
) -> None:
    names = [str(name)] if name else []
    publish(stores, ready.descriptor, [ready], names=names, events=events)


def _manifest_of(stores: Stores, image: Image) -> Manifest:
    data = stores.content.read_bytes(image.manifest_digest, manifests.MANIFEST_LIMIT)
    parsed = manifests.parse(data)
    if isinstance(parsed, Index):
        raise manifests.InvalidManifest(f"{image.manifest_digest} is an index")
    return parsed


def _unknown_steps(base: Image | None) -> list[History]:
    """One entry per layer of a base without history, so that ours is that of the last layer."""
    return [History() for _ in base.layers] if base else []


def _of_host() -> ImageConfig:
    host = platforms.host()
    return ImageConfig(architecture=host.architecture, os=host.os, variant=host.variant)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
