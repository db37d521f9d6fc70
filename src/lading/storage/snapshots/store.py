"""The rows of the snapshots: functions of a connection, to be run inside transactions.

`snapshots` are published layers; their row is written after the bytes are durable.
`active_snapshots` are writable layers: their directory is made first, but is not fsynced (a
container that was never acknowledged may be lost), and a directory without a row is garbage.
`parent` is no foreign key: a layer that was lost must not take the rows above it along, for it can
be pulled again.
"""

import sqlite3
from sqlite3 import Connection

from lading.state import Schema
from lading.storage.snapshots.driver import (
    Layer,
    SnapshotExists,
    SnapshotInUse,
    SnapshotNotFound,
)

SCHEMA = Schema(
    "snapshots",
    [
        """
        CREATE TABLE snapshots (
            chain_id TEXT PRIMARY KEY,
            parent TEXT,
            path TEXT NOT NULL UNIQUE,
            size_bytes INTEGER NOT NULL,
            inodes INTEGER NOT NULL,
            created_ns INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX snapshots_by_parent ON snapshots (parent);
        CREATE TABLE active_snapshots (
            key TEXT PRIMARY KEY,
            parent TEXT,
            created_ns INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX active_snapshots_by_parent ON active_snapshots (parent)
        """
    ],
)

_CHAIN = """
    WITH RECURSIVE chain (chain_id, parent, path, height) AS (
        SELECT chain_id, parent, path, 0 FROM snapshots WHERE chain_id = ?
        UNION ALL
        SELECT s.chain_id, s.parent, s.path, height + 1
        FROM snapshots s JOIN chain c ON s.chain_id = c.parent
    )
    SELECT path, parent FROM chain ORDER BY height
"""


def insert_layer(connection: Connection, layer: Layer) -> bool:
    """Add a row; False when the chain id is there already. Raises SnapshotNotFound (the parent)."""
    _require(connection, layer.parent)
    cursor = connection.execute(
        "INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", tuple(layer)
    )
    return cursor.rowcount == 1


def remove_unused_layer(connection: Connection, chain_id: str) -> Layer:
    """Delete the row of a layer that nothing stands on. Raises SnapshotNotFound, SnapshotInUse."""
    layer = find_layer(connection, chain_id)
    if layer is None:
        raise SnapshotNotFound(chain_id)
    users = dependents(connection, chain_id)
    if users:
        raise SnapshotInUse(chain_id, users[0])
    delete_layer(connection, chain_id)
    return layer


def delete_layer(connection: Connection, chain_id: str) -> None:
    """Delete the row, whoever stands on it: its tree is lost."""
    connection.execute("DELETE FROM snapshots WHERE chain_id = ?", (chain_id,))


def find_layer(connection: Connection, chain_id: str) -> Layer | None:
    row = connection.execute("SELECT * FROM snapshots WHERE chain_id = ?", (chain_id,)).fetchone()
    return Layer(*row) if row else None


def layers(connection: Connection) -> list[Layer]:
    return [Layer(*row) for row in connection.execute("SELECT * FROM snapshots")]


def chain_paths(connection: Connection, chain_id: str) -> list[str] | None:
    """Paths of a chain, top first; None when it or a layer below it is missing."""
    rows = connection.execute(_CHAIN, (chain_id,)).fetchall()
    if not rows or rows[-1][1] is not None:
        return None
    return [path for path, _ in rows]


def chain_bytes(connection: Connection, chain_id: str) -> int:
    """Bytes of a layer and of all below it; 0 when it is not there."""
    query = """
        WITH RECURSIVE chain (parent, bytes) AS (
            SELECT parent, size_bytes FROM snapshots WHERE chain_id = ?
            UNION ALL
            SELECT s.parent, s.size_bytes FROM snapshots s JOIN chain c ON s.chain_id = c.parent
        )
        SELECT COALESCE(SUM(bytes), 0) FROM chain
    """
    return int(connection.execute(query, (chain_id,)).fetchone()[0])


def dependents(connection: Connection, chain_id: str) -> list[str]:
    """Chain ids and keys that stand directly on this layer."""
    rows = connection.execute(
        "SELECT chain_id FROM snapshots WHERE parent = ?1"
        " UNION ALL SELECT key FROM active_snapshots WHERE parent = ?1",
        (chain_id,),
    )
    return [name for (name,) in rows]


def insert_active(connection: Connection, key: str, parent: str | None, created_ns: int) -> None:
    """Add a writable layer whose directory exists. Raises SnapshotExists, SnapshotNotFound."""
    _require(connection, parent)
    try:
        row = (key, parent, created_ns)
        connection.execute("INSERT INTO active_snapshots VALUES (?, ?, ?)", row)
    except sqlite3.IntegrityError:
        raise SnapshotExists(key) from None


def _require(connection: Connection, parent: str | None) -> None:
    """A layer cannot be removed between this check and the end of the transaction."""
    if parent is not None and find_layer(connection, parent) is None:
        raise SnapshotNotFound(parent)


def delete_active(connection: Connection, key: str) -> None:
    connection.execute("DELETE FROM active_snapshots WHERE key = ?", (key,))


def find_active(connection: Connection, key: str) -> tuple[str | None] | None:
    """(parent,) of a writable layer, or None when there is no such key."""
    row: tuple[str | None] | None = connection.execute(
        "SELECT parent FROM active_snapshots WHERE key = ?", (key,)
    ).fetchone()
    return row


def active_keys(connection: Connection) -> list[str]:
    return [key for (key,) in connection.execute("SELECT key FROM active_snapshots")]
