"""Reading an image archive: a tar stream in, blobs in the content store and small files out.

The stream is read once and may be compressed. Members come in any order, so everything large goes
to the content store by its digest at once, and what it means is decided at the end. Memory holds
the names and the small JSON documents only. Member names are never paths of the file system.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from lading.errors import InvalidArgument
from lading.images.leases import Lease
from lading.images.stores import Stores
from lading.storage.layers import Source, TarEntry, TarReader, open_compressed
from lading.storage.layers.tar_entry import DIRECTORY, HARDLINK, REGULAR, SYMLINK

DOCUMENT_LIMIT = 8 * 1024 * 1024  # bytes of manifest.json or index.json
ENTRY_LIMIT = 100_000  # an image of 500 layers has about 2,000 members
DEEPEST_LINK = 16
_BLOB = re.compile(r"blobs/(sha256|sha512)/([a-f0-9]{64,128})")
_DOCUMENTS = frozenset({"manifest.json", "index.json", "oci-layout", "repositories"})


class BadArchive(InvalidArgument):
    """invalid image archive: {0}"""


class Member(NamedTuple):
    """A file of the archive that is in the content store now."""

    digest: str
    size: int
    is_new: bool  # it came with this archive, so its bytes have just been hashed


class Archive(NamedTuple):
    """What was read: small documents by name, files by name, links by name."""

    documents: dict[str, bytes]
    files: dict[str, Member]
    links: dict[str, str]

    def find(self, name: str) -> Member:
        """The file of that name, through links of the archive. Raises BadArchive."""
        path = normalize(name)
        for _ in range(DEEPEST_LINK):
            if path in self.files:
                return self.files[path]
            if path not in self.links:
                break
            path = self.links[path]
        raise BadArchive(f"{name} is missing")


def read(stores: Stores, source: Source, lease: Lease, *, check: Callable[[], None]) -> Archive:
    """Read a whole archive; every file of it is leased. `check` is called for each chunk.

    Raises BadArchive, storage's errors for bad tar or compression, and DigestMismatch for a blob
    that is not what its name says; nothing of the archive is kept by anything but the lease then.
    """
    reader = TarReader(open_compressed(source))
    archive = Archive({}, {}, {})
    while (entry := reader.next()) is not None:
        check()
        if reader.entries > ENTRY_LIMIT:
            raise BadArchive(f"more than {ENTRY_LIMIT} members")
        _read_member(stores, reader, entry, archive, lease, check)
    return archive


def normalize(name: str) -> str:
    """A member's name without "./" and double slashes. Raises BadArchive if it leads out."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise BadArchive(f"{name!r} leads out of the archive")
    return "/".join(parts)


def _read_member(
    stores: Stores,
    reader: TarReader,
    entry: TarEntry,
    archive: Archive,
    lease: Lease,
    check: Callable[[], None],
) -> None:
    try:
        path = normalize(entry.path.decode())
        if entry.kind == SYMLINK:
            archive.links[path] = _resolve_link(path, entry.link.decode())
        elif entry.kind == HARDLINK:
            archive.links[path] = normalize(entry.link.decode())
    except UnicodeDecodeError as error:
        raise BadArchive(f"{entry.path!r} is not UTF-8") from error
    if entry.kind in (SYMLINK, HARDLINK, DIRECTORY):
        return
    if entry.kind != REGULAR or entry.sparse is not None:
        raise BadArchive(f"{path} is not a plain file")
    if path in _DOCUMENTS:
        archive.documents[path] = _read_document(reader, entry, path)
        return
    archive.files[path] = _store(stores, reader, entry, path, lease, check)


def _resolve_link(path: str, target: str) -> str:
    """Where a symlink leads within the archive (docker save links equal layers so)."""
    parts = path.split("/")[:-1]
    if target.startswith("/"):
        raise BadArchive(f"{path} links to {target!r}, out of the archive")
    for part in target.split("/"):
        if part == ".." and not parts:
            raise BadArchive(f"{path} links to {target!r}, out of the archive")
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _read_document(reader: TarReader, entry: TarEntry, path: str) -> bytes:
    if entry.size > DOCUMENT_LIMIT:
        raise BadArchive(f"{path} is larger than {DOCUMENT_LIMIT} bytes")
    data = bytearray()
    while piece := reader.read_data():
        data += piece
    return bytes(data)


def _store(
    stores: Stores,
    reader: TarReader,
    entry: TarEntry,
    path: str,
    lease: Lease,
    check: Callable[[], None],
) -> Member:
    """Put the member into the content store, under the digest that its name promises if any."""
    match = _BLOB.fullmatch(path)
    promised = f"{match[1]}:{match[2]}" if match else None
    if promised:
        lease.add(promised)
        if stores.content.has(promised) and stores.content.size(promised) == entry.size:
            return Member(promised, entry.size, False)  # the reader skips what was not read
    reference = promised or f"load {id(lease)} {path}"
    with stores.content.ingest(
        f"blob {reference}", expected_digest=promised, expected_size=entry.size
    ) as ingest:
        try:
            if ingest.offset:
                ingest.abort()
                return _store(stores, reader, entry, path, lease, check)
            while piece := reader.read_data():
                check()
                ingest.write(piece)
            return _commit(ingest.commit, lease, entry.size)
        except BaseException:
            ingest.abort()
            raise


def _commit(commit: Callable[[], str], lease: Lease, size: int) -> Member:
    digest = commit()
    lease.add(digest)
    return Member(digest, size, True)
