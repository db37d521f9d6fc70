"""A layer that comes as a stream and not from a registry: into the stores in one pass.

    gzip, zstd       the blob is what came, byte for byte
    tar, xz, bzip2   the blob is gzip, made while the tree is unpacked

The stream is unpacked, hashed and stored at the same time; nothing of it is kept when it is bad.
"""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from lading.images.leases import Lease
from lading.images.stores import Stores
from lading.oci import media_types
from lading.oci.manifest import Descriptor
from lading.storage.content import Ingest
from lading.storage.layers import Source, open_compressed
from lading.storage.layers.compress import Packed
from lading.storage.unpack import unpack_plain

DRAIN_BYTES = 256 * 1024
_KEPT = {"gzip": media_types.LAYER_GZIP, "zstd": media_types.LAYER_ZSTD}


class NewLayer(NamedTuple):
    """The layer as it stands in the stores: its blob, what it unpacks to, its snapshot."""

    blob: Descriptor
    diff_id: str
    chain_id: str


def add(
    stores: Stores,
    source: Source,
    lease: Lease,
    *,
    parent: str | None,
    check: Callable[[], None] = lambda: None,
) -> NewLayer:
    """Store and unpack a layer on top of the chain `parent`; blob and chain are leased.

    `check` is called for each chunk and may raise. Raises what storage says of a bad stream.
    """
    name = f"new layer {secrets.token_hex(8)}"
    with stores.content.ingest(name) as ingest:
        try:
            return _add(stores, _Recorded(source, check), lease, parent, ingest)
        except BaseException:
            ingest.abort()
            raise


def _add(
    stores: Stores, recorded: "_Recorded", lease: Lease, parent: str | None, ingest: Ingest
) -> NewLayer:
    plain = open_compressed(recorded)
    media_type = _KEPT.get(plain.compression)
    if media_type:
        recorded.keep(ingest.write)
        unpacked = unpack_plain(stores.snapshots, plain, parent=parent, claim=lease.add)
        while recorded.read(DRAIN_BYTES):
            pass
    else:
        media_type = media_types.LAYER_GZIP
        recorded.forget()
        packed = Packed(plain, ingest.write)
        unpacked = unpack_plain(stores.snapshots, packed, parent=parent, claim=lease.add)
        packed.finish()
    size = ingest.offset
    digest = ingest.commit()
    lease.add(digest)
    return NewLayer(
        Descriptor(media_type, digest, size), unpacked.applied.diff_id, unpacked.chain_id
    )


class _Recorded:
    """A source whose bytes are kept until somebody says what is to be done with them."""

    def __init__(self, source: Source, check: Callable[[], None]) -> None:
        self._source = source
        self._check = check
        self._early: list[bytes] = []
        self._write: Callable[[bytes], object] = self._early.append

    def read(self, size: int, /) -> bytes:
        self._check()
        data = self._source.read(size)
        if data:
            self._write(data)
        return data

    def keep(self, write: Callable[[bytes], object]) -> None:
        """Give `write` what was read so far and all that is read from now on."""
        self._write = write
        for data in self._early:
            write(data)
        self._early.clear()

    def forget(self) -> None:
        """Nobody wants the bytes as they came."""
        self._write = lambda _: None
        self._early.clear()
