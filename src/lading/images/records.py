"""The tables of this room, as functions of a connection: names, images, and what keeps what.

    image_names      name -> image           "docker.io/library/busybox:latest", "...@sha256:..."
    images           one per digest that a name may point to: a manifest or an index
    image_manifests  the platforms of an image whose bytes are all here
    image_chains     the snapshots that an image keeps, lowest first, with their sizes
    image_blobs      the blobs that an image keeps
    image_uses       when a container was last made of an image

A row is written after the bytes that it tells of are durable, and deleted before they go: so a blob
or snapshot that no row tells of belongs to nobody, unless work under way has leased it.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lading.state import Schema

SCHEMA = Schema(
    "images",
    [
        """
        CREATE TABLE images (
            digest TEXT PRIMARY KEY,
            media_type TEXT NOT NULL,
            size INTEGER NOT NULL,
            added_ns INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE image_names (
            name TEXT PRIMARY KEY,
            image TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
            named_ns INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX image_names_by_image ON image_names (image);
        CREATE TABLE image_manifests (
            image TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
            manifest TEXT NOT NULL,
            config TEXT NOT NULL,
            chain TEXT NOT NULL,
            platform TEXT NOT NULL,
            blob_bytes INTEGER NOT NULL,
            PRIMARY KEY (image, manifest)
        ) STRICT;
        CREATE INDEX image_manifests_by_config ON image_manifests (config);
        CREATE TABLE image_chains (
            image TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
            manifest TEXT NOT NULL,
            position INTEGER NOT NULL,
            chain TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (image, manifest, position)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX image_chains_by_chain ON image_chains (chain);
        CREATE TABLE image_blobs (
            image TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
            blob TEXT NOT NULL,
            PRIMARY KEY (image, blob)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX image_blobs_by_blob ON image_blobs (blob);
        """,
        """
        CREATE TABLE image_uses (
            image TEXT PRIMARY KEY REFERENCES images ON DELETE CASCADE,
            used_ns INTEGER NOT NULL
        ) STRICT;
        """,
    ],
)


class Layer(NamedTuple):
    """A published snapshot of an image: its chain id and the bytes of that layer's own files."""

    chain: str
    size: int


class PlatformRecord(NamedTuple):
    """One platform of an image that is here, complete."""

    manifest: str
    config: str
    platform: str  # "linux/amd64"
    blob_bytes: int  # config and layers as they were sent
    layers: tuple[Layer, ...]  # lowest first
    blobs: tuple[str, ...] = ()  # every blob it needs; given when adding, not read back

    @property
    def chain(self) -> str:
        """The chain id of the top layer; "" for an image without layers."""
        return self.layers[-1].chain if self.layers else ""


class ImageRecord(NamedTuple):
    """An image: what a name points to, and which of its platforms are here."""

    digest: str
    media_type: str
    size: int  # bytes of the manifest or index itself
    added_ns: int
    platforms: tuple[PlatformRecord, ...]
    names: tuple[str, ...] = ()
    used_ns: int = 0  # a container was last made of it; 0: never


def add(connection: sqlite3.Connection, image: ImageRecord) -> None:
    """Insert the image, or add platforms to it when it is known. Names are not touched."""
    connection.execute(
        "INSERT INTO images VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (image.digest, image.media_type, image.size, image.added_ns),
    )
    blobs = {image.digest}
    for platform in image.platforms:
        key = (image.digest, platform.manifest)
        connection.execute(
            "INSERT OR REPLACE INTO image_manifests VALUES (?, ?, ?, ?, ?, ?)",
            (*key, platform.config, platform.chain, platform.platform, platform.blob_bytes),
        )
        connection.executemany(
            "INSERT OR REPLACE INTO image_chains VALUES (?, ?, ?, ?, ?)",
            [(*key, n, layer.chain, layer.size) for n, layer in enumerate(platform.layers)],
        )
        blobs.update((platform.manifest, platform.config, *platform.blobs))
    keep(connection, image.digest, sorted(blobs))


def use(connection: sqlite3.Connection, image: str, now_ns: int) -> None:
    """A container is made of the image; one that has just gone is no error."""
    connection.execute(
        "INSERT OR REPLACE INTO image_uses SELECT digest, ? FROM images WHERE digest = ?",
        (now_ns, image),
    )


def keep(connection: sqlite3.Connection, image: str, blobs: Iterable[str]) -> None:
    """Let the image keep more blobs."""
    connection.executemany(
        "INSERT OR IGNORE INTO image_blobs VALUES (?, ?)", [(image, blob) for blob in blobs]
    )


def set_name(connection: sqlite3.Connection, name: str, image: str, now_ns: int) -> str | None:
    """Point the name at the image; returns what it pointed to before."""
    before = find_name(connection, name)
    connection.execute("INSERT OR REPLACE INTO image_names VALUES (?, ?, ?)", (name, image, now_ns))
    return before


def drop_name(connection: sqlite3.Connection, name: str) -> None:
    """Forget the name; the image stays."""
    connection.execute("DELETE FROM image_names WHERE name = ?", (name,))


def drop(connection: sqlite3.Connection, digest: str) -> None:
    """Forget the image with its names and what it keeps."""
    connection.execute("DELETE FROM images WHERE digest = ?", (digest,))


def find_name(connection: sqlite3.Connection, name: str) -> str | None:
    """The digest of the image that has this name."""
    row = connection.execute("SELECT image FROM image_names WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def find_digest(connection: sqlite3.Connection, digest: str) -> str | None:
    """The image that is this digest, or whose manifest or config is."""
    query = (
        "SELECT digest FROM images WHERE digest = :d UNION ALL"
        " SELECT image FROM image_manifests WHERE config = :d OR manifest = :d LIMIT 1"
    )
    row = connection.execute(query, {"d": digest}).fetchone()
    return str(row[0]) if row else None


def find_prefix(connection: sqlite3.Connection, prefix: str) -> list[str]:
    """The images whose digest, or whose config's digest, begins so; at most two are told.

    `prefix` is "sha256:abc"; hexadecimal digits only, so it holds no LIKE pattern.
    """
    query = (
        "SELECT digest FROM images WHERE digest LIKE :p UNION"
        " SELECT image FROM image_manifests WHERE config LIKE :p LIMIT 2"
    )
    return [str(row[0]) for row in connection.execute(query, {"p": prefix + "%"})]


def get(connection: sqlite3.Connection, digest: str) -> ImageRecord | None:
    """One image with its platforms and names."""
    found = _select(connection, "WHERE digest = ?", (digest,))
    return found[0] if found else None


def get_all(connection: sqlite3.Connection) -> list[ImageRecord]:
    """Every image, newest first."""
    return _select(connection, "", ())


def names_of(connection: sqlite3.Connection, repository: str) -> dict[str, str]:
    """The tags of a repository ("docker.io/library/busybox"), and the image of each."""
    rows = connection.execute(
        "SELECT substr(name, length(:r) + 2), image FROM image_names"
        " WHERE substr(name, 1, length(:r) + 1) = :r || ':'",
        {"r": repository},
    )
    return {str(tag): str(image) for tag, image in rows if "/" not in tag and "@" not in tag}


def repositories_of(connection: sqlite3.Connection, digest: str, domain: str) -> list[str]:
    """Paths of repositories at a registry where blobs of this image should be already.

    Those of names of every image that shares a blob with it, pulled or pushed.
    """
    rows = connection.execute(
        "SELECT DISTINCT name FROM image_names JOIN image_blobs USING (image)"
        " WHERE blob IN (SELECT blob FROM image_blobs WHERE image = :d)"
        " AND substr(name, 1, length(:r) + 1) = :r || '/' ORDER BY name",
        {"d": digest, "r": domain},
    )
    names = (str(name)[len(domain) + 1 :].partition("@")[0] for (name,) in rows)
    return list(dict.fromkeys(name.rpartition(":")[0] or name for name in names))


def parts(connection: sqlite3.Connection, digest: str) -> set[str]:
    """The blobs and chain ids that this image keeps, maybe with others."""
    query = (
        "SELECT blob FROM image_blobs WHERE image = :d"
        " UNION SELECT chain FROM image_chains WHERE image = :d"
    )
    return {str(row[0]) for row in connection.execute(query, {"d": digest})}


def kept_blobs(connection: sqlite3.Connection) -> set[str]:
    """Every blob that an image keeps."""
    return {str(row[0]) for row in connection.execute("SELECT DISTINCT blob FROM image_blobs")}


def kept_chains(connection: sqlite3.Connection) -> set[str]:
    """Every snapshot that an image keeps."""
    return {str(row[0]) for row in connection.execute("SELECT DISTINCT chain FROM image_chains")}


def _select(
    connection: sqlite3.Connection, condition: str, arguments: Sequence[str]
) -> list[ImageRecord]:
    rows = connection.execute(
        "SELECT digest, media_type, size, added_ns, ifnull(used_ns, 0)"
        " FROM images LEFT JOIN image_uses ON image = digest"
        f" {condition} ORDER BY added_ns DESC, digest",
        arguments,
    ).fetchall()
    return [
        ImageRecord(
            digest,
            media_type,
            size,
            added_ns,
            _platforms(connection, digest),
            _names(connection, digest),
            used_ns,
        )
        for digest, media_type, size, added_ns, used_ns in rows
    ]


def _platforms(connection: sqlite3.Connection, image: str) -> tuple[PlatformRecord, ...]:
    chains: dict[str, list[Layer]] = {}
    for manifest, chain, size in connection.execute(
        "SELECT manifest, chain, bytes FROM image_chains WHERE image = ? ORDER BY position",
        (image,),
    ):
        chains.setdefault(manifest, []).append(Layer(chain, size))
    rows: Iterable[tuple[str, str, str, int]] = connection.execute(
        "SELECT manifest, config, platform, blob_bytes FROM image_manifests WHERE image = ?"
        " ORDER BY rowid",
        (image,),
    )
    return tuple(PlatformRecord(*row, tuple(chains.get(row[0], ()))) for row in rows)


def _names(connection: sqlite3.Connection, image: str) -> tuple[str, ...]:
    query = "SELECT name FROM image_names WHERE image = ? ORDER BY name"
    return tuple(str(row[0]) for row in connection.execute(query, (image,)))
