"""The table of containers: one row each, the record as JSON, the name unique.

Transactions only; who calls them and when is `lading.containers.service`.
"""

import sqlite3
from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from lading.containers.mountpoints.plan import plan
from lading.containers.record import ContainerRecord, NameInUse
from lading.errors import InvalidArgument
from lading.state import Schema

SCHEMA = Schema(
    "containers",
    [
        """
        CREATE TABLE containers (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            record BLOB NOT NULL
        ) STRICT
        """
    ],
)

_decoder = msgspec.json.Decoder(ContainerRecord)


def insert(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    """Add a container. Raises NameInUse."""
    try:
        connection.execute(
            "INSERT INTO containers (id, name, record) VALUES (?, ?, ?)",
            (record.id, record.name, msgspec.json.encode(record)),
        )
    except sqlite3.IntegrityError as error:
        raise NameInUse(record.name, _owner(connection, record.name)) from error


def update(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    """Replace a container's record (and its name, when it was renamed). Raises NameInUse."""
    try:
        connection.execute(
            "UPDATE containers SET name = ?, record = ? WHERE id = ?",
            (record.name, msgspec.json.encode(record), record.id),
        )
    except sqlite3.IntegrityError as error:
        raise NameInUse(record.name, _owner(connection, record.name)) from error


def delete(connection: sqlite3.Connection, container_id: str) -> None:
    """Remove the row; what it named is garbage from now on."""
    connection.execute("DELETE FROM containers WHERE id = ?", (container_id,))


def load(connection: sqlite3.Connection) -> tuple[list[ContainerRecord], dict[str, str]]:
    """All records in order of creation, and for each row that cannot be read: its name, the reason.

    A damaged row stays where it is, so that nothing that it names is taken for garbage.
    """
    records: list[ContainerRecord] = []
    damaged: dict[str, str] = {}
    for container_id, name, blob in connection.execute("SELECT id, name, record FROM containers"):
        try:
            records.append(_with_mounts(_decoder.decode(blob)))
        except msgspec.MsgspecError as error:
            damaged[container_id] = f"record of {name} is damaged: {error}"
    return sorted(records, key=lambda record: record.created_ns), damaged


def _with_mounts(record: ContainerRecord) -> ContainerRecord:
    """The binds of a container that was made when records did not name mounts."""
    if record.mounts is not None:
        return record
    config = replace(record.config, volumes=None)
    try:
        mounts = [wish.mount for wish in plan(config, record.host_config, lambda name: [])]
    except InvalidArgument:  # a source of --mount has gone since
        mounts = []
    return replace(record, mounts=[mount for mount in mounts if mount.type != "volume"])


def find_damaged(connection: sqlite3.Connection, damaged: Collection[str], ref: str) -> str | None:
    """The damaged row that an id or a name means."""
    if ref in damaged:
        return ref
    owner = _owner(connection, ref.removeprefix("/"))
    return owner if owner in damaged else None


def damaged_users(
    connection: sqlite3.Connection, damaged: Collection[str], volume: str
) -> list[str]:
    """The damaged rows that still have a volume's name in them: it is not taken for unused."""
    told = msgspec.json.encode(volume)
    rows = connection.execute("SELECT id FROM containers WHERE instr(record, ?)", (told,))
    return [container_id for (container_id,) in rows if container_id in damaged]


def _owner(connection: sqlite3.Connection, name: str) -> str:
    row = connection.execute("SELECT id FROM containers WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""
