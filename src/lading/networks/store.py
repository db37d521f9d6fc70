"""The rows of networks and of changes to the host, as functions of a connection.

Endpoints are no rows: they end with the boot at the latest (see `leases`).
`host_changes` remembers what was switched on the host, so that it can be switched back.
"""

import sqlite3

import msgspec

from lading.networks.records import Network
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
        """,
        "DROP TABLE endpoints",
        # the one subnet of a network became a list of them
        """
        UPDATE networks SET record = CAST(json_set(
            CAST(record AS TEXT), '$.subnets', json_array(json_object(
                'subnet', json_extract(CAST(record AS TEXT), '$.subnet'),
                'gateway', json_extract(CAST(record AS TEXT), '$.gateway'),
                'ip_range', json_extract(CAST(record AS TEXT), '$.ip_range')
            ))) AS BLOB)
        WHERE coalesce(json_extract(CAST(record AS TEXT), '$.subnet'), '') != ''
        """,
    ],
)

_encode = msgspec.json.Encoder().encode
_decode_network = msgspec.json.Decoder(Network).decode


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


def delete_network(connection: sqlite3.Connection, network_id: str) -> None:
    """Delete the network's row."""
    connection.execute("DELETE FROM networks WHERE id = ?", (network_id,))


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
