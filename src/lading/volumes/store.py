"""The table of volumes: one row each, the record as JSON. Transactions only."""

import sqlite3

import msgspec

from lading.state import Schema
from lading.volumes.record import Volume, VolumeExists

SCHEMA = Schema(
    "volumes",
    [
        """
        CREATE TABLE volumes (
            name TEXT PRIMARY KEY,
            record BLOB NOT NULL
        ) STRICT
        """
    ],
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Volume).decode


def insert(connection: sqlite3.Connection, volume: Volume) -> None:
    """Add a volume. Raises VolumeExists."""
    try:
        row = (volume.name, _encode(volume))
        connection.execute("INSERT INTO volumes (name, record) VALUES (?, ?)", row)
    except sqlite3.IntegrityError as error:
        raise VolumeExists(volume.name) from error


def rename(connection: sqlite3.Connection, earlier: str, volume: Volume) -> None:
    """Give a volume the name that its record has now. Raises VolumeExists."""
    try:
        row = (volume.name, _encode(volume), earlier)
        connection.execute("UPDATE volumes SET name = ?, record = ? WHERE name = ?", row)
    except sqlite3.IntegrityError as error:
        raise VolumeExists(volume.name) from error


def delete(connection: sqlite3.Connection, name: str) -> None:
    """Remove the row; what it named is garbage from now on."""
    connection.execute("DELETE FROM volumes WHERE name = ?", (name,))


def load(connection: sqlite3.Connection) -> tuple[list[Volume], dict[str, str]]:
    """All records by name, and for each row that cannot be read: its name, the reason.

    A damaged row stays where it is, so that its directory is not taken for garbage.
    """
    volumes: list[Volume] = []
    damaged: dict[str, str] = {}
    for name, blob in connection.execute("SELECT name, record FROM volumes ORDER BY name"):
        try:
            volumes.append(_decode(blob))
        except msgspec.MsgspecError as error:
            damaged[name] = f"record of volume {name} is damaged: {error}"
    return volumes, damaged
