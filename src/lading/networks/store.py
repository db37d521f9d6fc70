"""The rows of networks, endpoints and changes to the host, as functions of a connection.

An endpoint's row is its lease: the address belongs to it from the row's commit to its deletion.
`host_changes` remembers what was switched on the host, so that it can be switched back.
"""

import sqlite3

import msgspec

from lading.networks.records import Endpoint, Network
from lading.state import Schema

SCHEMA = Schema(
    "networks",
    [
        """
        CREATE TABLE networks (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            record BLOB NOT NULL
        ) STRICT;
        CREATE TABLE endpoints (
            id TEXT PRIMARY KEY,
            network_id TEXT NOT NULL REFERENCES networks (id),
            container_id TEXT NOT NULL,
            ip TEXT,
            record BLOB NOT NULL,
            UNIQUE (container_id, network_id),
            UNIQUE (network_id, ip)
        ) STRICT;
        CREATE TABLE host_changes (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT;
        """
    ],
)

_encode = msgspec.json.Encoder().encode
_decode_network = msgspec.json.Decoder(Network).decode
_decode_endpoint = msgspec.json.Decoder(Endpoint).decode


def put_network(connection: sqlite3.Connection, network: Network) -> None:
    """Insert or replace the network's row."""
    connection.execute(
        "INSERT INTO networks VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = excluded.record",
        (network.id, network.name, _encode(network)),
    )


def list_networks(connection: sqlite3.Connection) -> list[Network]:
    """Every network."""
    rows = connection.execute("SELECT record FROM networks ORDER BY name")
    return [_decode_network(record) for (record,) in rows]


def add_endpoint(connection: sqlite3.Connection, endpoint: Endpoint) -> None:
    """Insert the endpoint's row. Raises sqlite3.IntegrityError if its address is leased."""
    row = msgspec.structs.replace(endpoint, netns_fd=None)
    connection.execute(
        "INSERT INTO endpoints VALUES (?, ?, ?, ?, ?)",
        (row.id, row.network_id, row.container_id, row.ip or None, _encode(row)),
    )


def delete_endpoints(connection: sqlite3.Connection, endpoint_ids: list[str]) -> None:
    """Delete these rows; one that is gone already is no error."""
    rows = [(endpoint_id,) for endpoint_id in endpoint_ids]
    connection.executemany("DELETE FROM endpoints WHERE id = ?", rows)


def list_endpoints(connection: sqlite3.Connection) -> list[Endpoint]:
    """Every endpoint."""
    rows = connection.execute("SELECT record FROM endpoints ORDER BY container_id")
    return [_decode_endpoint(record) for (record,) in rows]


def get_host_change(connection: sqlite3.Connection, name: str) -> str:
    """What was remembered under the name, or ""."""
    query = "SELECT value FROM host_changes WHERE name = ?"
    row = connection.execute(query, (name,)).fetchone()
    return str(row[0]) if row else ""


def put_host_change(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Remember a value under the name, or with "" forget it."""
    connection.execute("DELETE FROM host_changes WHERE name = ?", (name,))
    if value:
        connection.execute("INSERT INTO host_changes VALUES (?, ?)", (name, value))
