"""Collecting what nobody needs: blobs and snapshots that no row keeps and no work leases.

`collect_blobs` looks at named blobs only and runs after each removal; `collect` looks at everything
and is for the start of the engine and for prunes. Both may run at any time, beside pulls.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from lading.failpoints import fp
from lading.images import records
from lading.images.leases import Lease
from lading.images.stores import Stores
from lading.storage.snapshots import SnapshotInUse, SnapshotNotFound

GRACE_S = 24 * 3600.0  # layers of a pull that broke off are there for the next attempt so long

FRESH_S = 10.0  # a blob is stored a moment before its digest is known, and leased after that


class Collected(NamedTuple):
    """What was removed."""

    blobs: tuple[str, ...]
    chains: tuple[str, ...]
    bytes: int  # of blobs, and of files that were unpacked


@contextmanager
def lease_and_collect(stores: Stores) -> Iterator[Lease]:
    """A lease, after which all that it held is collected unless a row was written for it."""
    touched: set[str] = set()
    try:
        with stores.leases.lease() as lease:
            touched = lease.names
            yield lease
    finally:
        collect_blobs(stores, touched)


def collect_blobs(stores: Stores, names: Iterable[str]) -> Collected:
    """Remove those of the named blobs and chains that nothing keeps."""
    candidates = set(names)
    with stores.leases.excluding(candidates) as unleased:
        blobs = set(unleased) - stores.database.read(records.kept_blobs)
        chains = set(unleased) - stores.database.read(records.kept_chains)
        freed = {blob: size for blob in sorted(blobs) if (size := stores.content.delete(blob))}
        fp("images.blobs-collected")
        removed = _remove_chains(stores, chains)
    stores.snapshots.sweep()
    size = sum(freed.values()) + sum(removed.values())
    return Collected(tuple(freed), tuple(removed), size)


def collect(stores: Stores, *, older_than_s: float = GRACE_S) -> Collected:
    """Remove every blob, snapshot and unfinished ingest that nothing keeps and that is that old."""
    limit_ns = time.time_ns() - int(older_than_s * 1e9)
    names = {blob.digest for blob in stores.content.walk() if blob.modified_ns <= limit_ns}
    published = stores.snapshots.layers()
    names |= {layer.chain_id for layer in published if layer.created_ns <= limit_ns}
    stores.content.drop_stale_ingests(older_than_s)
    return collect_blobs(stores, names)


def _remove_chains(stores: Stores, doomed: set[str]) -> dict[str, int]:
    """Remove the snapshots from the top down; one that a container stands on stays.

    Returns the bytes of each that went.
    """
    published = {row.chain_id: row for row in stores.snapshots.layers()}
    removed: dict[str, int] = {}
    pending = [chain for chain in doomed if chain in published]
    while pending:
        blocked = []
        for chain in pending:
            try:
                stores.snapshots.remove_layer(chain)
                removed[chain] = published[chain].size_bytes
            except SnapshotInUse:
                blocked.append(chain)
            except SnapshotNotFound:
                continue
        if len(blocked) == len(pending):
            break
        pending = blocked
    return removed
