"""Making an image known: its rows, its names and its events, in one transaction.

Called when every blob and snapshot of it is durable, under the lease that kept them until now.
"""

import time
from collections.abc import Sequence
from sqlite3 import Connection
from typing import NamedTuple

from lading.events import Event
from lading.failpoints import fp
from lading.images import records
from lading.images.records import ImageRecord, Layer, PlatformRecord
from lading.images.stores import Stores
from lading.oci import digest as digests
from lading.oci.config import ImageConfig
from lading.oci.manifest import Descriptor, Manifest
from lading.oci.platform import Platform
from lading.state import journal
from lading.storage.snapshots import store as snapshot_rows


class Ready(NamedTuple):
    """One platform of an image, with everything that it consists of in the stores."""

    descriptor: Descriptor  # of the manifest
    manifest: Manifest
    config: ImageConfig
    parents: tuple[str, ...] = ()  # digests of indexes on the way from the image to the manifest


def publish(
    stores: Stores,
    target: Descriptor,
    platforms: Sequence[Ready],
    *,
    names: Sequence[str] = (),
    events: Sequence[tuple[str, str, str]] = (),
    beside: Sequence[str] = (),
) -> bool:
    """Write the rows; an event is (action, actor id, name). False when nothing was new.

    `beside`: blobs that the image keeps although it runs without them: attestations.

    Nothing new means: the image with these platforms is known, and the names point at it.
    """

    def write(connection: Connection) -> bool:
        before = records.get(connection, target.digest)
        known = {platform.manifest for platform in before.platforms} if before else set()
        now_ns = time.time_ns()
        layers = [_platform(connection, ready) for ready in platforms]
        image = ImageRecord(target.digest, target.media_type, target.size, now_ns, tuple(layers))
        records.add(connection, image)
        records.keep(connection, target.digest, beside)
        moved = [records.set_name(connection, name, target.digest, now_ns) for name in names]
        labels = (platforms[0].config.execution.labels or {}) if platforms else {}
        for action, actor, name in events:
            told = {**labels, "name": name}
            journal.append(connection, Event("image", action, actor, told, now_ns))
        is_named = all(previous == target.digest for previous in moved)
        return not (is_named and known.issuperset(p.manifest for p in layers))

    fp("images.before-rows")
    is_new = stores.database.write_sync(write)
    fp("images.published")
    return is_new


def platform_of(config: ImageConfig, descriptor: Descriptor) -> str:
    """What to call the platform: the config's word, else the descriptor's."""
    if config.os:
        return str(Platform(config.architecture, config.os, config.variant))
    return str(descriptor.platform or "")


def _platform(connection: Connection, ready: Ready) -> PlatformRecord:
    blobs = [ready.manifest.config, *ready.manifest.layers]
    return PlatformRecord(
        manifest=ready.descriptor.digest,
        config=ready.manifest.config.digest,
        platform=platform_of(ready.config, ready.descriptor),
        blob_bytes=sum(blob.size for blob in blobs),
        layers=tuple(
            Layer(chain, _size(connection, chain))
            for chain in digests.chain_ids(ready.config.diff_ids)
        ),
        blobs=(*ready.parents, *(blob.digest for blob in blobs)),
    )


def _size(connection: Connection, chain: str) -> int:
    row = snapshot_rows.find_layer(connection, chain)
    return row.size_bytes if row else 0
