"""Snapshots, layers, blobs and temporary files, against the rows that name them.

Work under way has leased what it makes: it is not named here, but for what has only just begun.
"""

import os
import time
from functools import partial
from typing import TYPE_CHECKING

from lading.engine.audit.finding import Finding, entries
from lading.images import records
from lading.storage.snapshots import store

if TYPE_CHECKING:
    from lading.engine.engine import Engine


SWEEPING_S = 5.0  # what was thrown away is deleted by then, one tree after the other


def find(engine: "Engine", known: set[str]) -> list[Finding]:
    """Everything below data-root that does not fit together."""
    return [*_snapshots(engine, known), *_layers(engine), *_blobs(engine), *_temporary(engine)]


def _snapshots(engine: "Engine", known: set[str]) -> list[Finding]:
    rows = set(engine.database.read(store.active_keys))
    present = set(entries(f"{engine.options.data_root}/snapshots/active"))
    remove = engine.snapshots.remove
    return [
        *(Finding("snapshot", k, "of no container", partial(remove, k)) for k in rows - known),
        *(
            Finding("snapshot", k, "has no record", partial(remove, k, record=False))
            for k in present - rows
        ),
        *(Finding("snapshot", k, "lost its directory") for k in rows - present),
    ]


def _layers(engine: "Engine") -> list[Finding]:
    rows = {row.path.split("/")[1]: row.chain_id for row in engine.database.read(store.layers)}
    present = set(entries(f"{engine.options.data_root}/snapshots/layers"))
    unknown = set() if engine.store.stores.leases.held else present - rows.keys()
    recover = engine.snapshots.recover
    return [
        *(Finding("layer", number, "has no record", recover) for number in unknown),
        *(Finding("layer", rows[n], "lost its directory") for n in rows.keys() - present),
    ]


def _blobs(engine: "Engine") -> list[Finding]:
    content = engine.store.stores.content
    kept = engine.database.read(records.kept_blobs)
    return [
        Finding("blob", digest, "of an image is missing: pull the image again")
        for digest in sorted(kept)
        if not content.has(digest)
    ]


def _temporary(engine: "Engine") -> list[Finding]:
    """Trash that could not be deleted, and what an unpacking has left behind."""
    place = f"{engine.options.data_root}/snapshots"
    return [
        *(
            Finding("temporary file", f"trash/{name}", "was not deleted", engine.snapshots.sweep)
            for name in entries(f"{place}/trash")
            if _is_old(f"{place}/trash/{name}")
        ),
        *(
            Finding("temporary file", f"staging/{name}", "of no work", partial(_drop, engine, name))
            for name in entries(f"{place}/staging")
            if not engine.store.stores.leases.held
        ),
    ]


def _is_old(path: str) -> bool:
    """Whether it lies there longer than a sweeping that goes on may take."""
    try:
        return time.time() - os.stat(path).st_ctime > SWEEPING_S
    except FileNotFoundError:
        return False


def _drop(engine: "Engine", key: str) -> None:
    engine.snapshots.remove(key, record=False)
    engine.snapshots.sweep()
