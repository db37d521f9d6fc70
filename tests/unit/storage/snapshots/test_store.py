"""Rows of snapshots: chains are whole or they are not there."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.state import Database
from lading.storage.snapshots import (
    SCHEMA,
    Layer,
    SnapshotExists,
    SnapshotInUse,
    SnapshotNotFound,
    store,
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = str(tmp_path / "state.db")
    Database(path, [SCHEMA]).close()
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def insert(connection: sqlite3.Connection, chain_id: str, parent: str | None) -> bool:
    return store.insert_layer(connection, Layer(chain_id, parent, f"{chain_id}/fs", 1, 2, 3))


def test_a_chain_is_listed_top_first(connection: sqlite3.Connection) -> None:
    insert(connection, "one", None)
    insert(connection, "two", "one")
    assert store.chain_paths(connection, "two") == ["two/fs", "one/fs"]
    assert store.find_layer(connection, "two") == ("two", "one", "two/fs", 1, 2, 3)


def test_a_chain_with_a_gap_is_not_there(connection: sqlite3.Connection) -> None:
    insert(connection, "one", None)
    insert(connection, "two", "one")
    store.delete_layer(connection, "one")
    assert store.chain_paths(connection, "two") is None
    assert store.chain_paths(connection, "one") is None


def test_a_layer_is_inserted_once_and_on_what_exists(connection: sqlite3.Connection) -> None:
    assert insert(connection, "one", None)
    assert not insert(connection, "one", None)
    with pytest.raises(SnapshotNotFound, match="nowhere"):
        insert(connection, "two", "nowhere")


def test_a_layer_that_is_used_stays(connection: sqlite3.Connection) -> None:
    insert(connection, "one", None)
    store.insert_active(connection, "c", "one", 5)
    with pytest.raises(SnapshotInUse, match="one is in use by c"):
        store.remove_unused_layer(connection, "one")
    store.delete_active(connection, "c")
    assert store.remove_unused_layer(connection, "one").path == "one/fs"
    with pytest.raises(SnapshotNotFound):
        store.remove_unused_layer(connection, "one")


def test_a_writable_layer_is_inserted_once(connection: sqlite3.Connection) -> None:
    store.insert_active(connection, "c", None, 5)
    assert store.find_active(connection, "c") == (None,)
    assert store.active_keys(connection) == ["c"]
    with pytest.raises(SnapshotExists):
        store.insert_active(connection, "c", None, 5)
