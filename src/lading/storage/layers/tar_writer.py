"""TarWriter: members to a tar stream, the same bytes for the same members, whatever the host.

ustar headers, and a PAX header before those that need one (long or non-ASCII names, sizes over 8
GiB, ids over 2097151, times with nanoseconds or before 1970, xattrs). Records are sorted, headers
carry no time of writing and no user names. Source: POSIX.1-2017 pax.
"""

from collections.abc import Callable, Sequence

from lading.storage.layers import pax
from lading.storage.layers.source import CHUNK_BYTES, Source
from lading.storage.layers.tar_entry import DIRECTORY, HARDLINK, REGULAR, SYMLINK, TarEntry
from lading.storage.layers.tar_header import BLOCK_BYTES, encode, fits

_NAME_BYTES = 100
_SECOND_NS = 1_000_000_000
Piece = tuple[int, int]  # offset and length of data in a sparse file


class Shrunk(ValueError):
    """A file gave fewer bytes than its entry promised; the archive cannot be mended."""


class TarWriter:
    """Writes one archive through `write(bytes)`. Call `close` for the end mark."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def add(self, entry: TarEntry, data: Source | None = None) -> None:
        """Write a member; a regular file's `size` bytes are read from `data`. Raises Shrunk."""
        self.begin(entry)
        if entry.kind == REGULAR and entry.size:
            self._add_data(entry.size, data)

    def begin(self, entry: TarEntry) -> None:
        """Write what stands before a member's data; the data and `padding` are the caller's."""
        size = entry.size if entry.kind == REGULAR else 0
        path = entry.path
        if entry.kind == DIRECTORY and not path.endswith(b"/"):
            path += b"/"
        self._begin(entry, path, size, [])

    def _begin(
        self, entry: TarEntry, path: bytes, size: int, more: list[tuple[bytes, bytes]]
    ) -> None:
        records = sorted([*_records(entry, path, size), *more])
        if records:
            self._add_records(path, records)
        seconds = entry.mtime_ns // _SECOND_NS
        header = encode(
            path,
            entry.kind,
            size=size,
            mode=entry.mode,
            uid=entry.uid,
            gid=entry.gid,
            mtime_s=seconds,
            link=entry.link,
            device=entry.device,
        )
        self._write(header)

    def add_sparse(self, entry: TarEntry, pieces: Sequence[Piece], data: Source) -> None:
        """Write a regular file of `entry.size` bytes without its holes: PAX format 1.0.

        `data` gives the pieces, (offset, length), one after the other. Raises Shrunk.
        """
        if not pieces or sum(pieces[-1]) < entry.size:
            pieces = [*pieces, (entry.size, 0)]  # GNU tar knows the end of a hole by that
        lines = [len(pieces), *(number for piece in pieces for number in piece)]
        told = b"".join(b"%d\n" % number for number in lines)
        stored = sum(length for _, length in pieces)
        front = told + padding(len(told))
        records = [
            (b"GNU.sparse.major", b"1"),
            (b"GNU.sparse.minor", b"0"),
            (b"GNU.sparse.name", entry.path),
            (b"GNU.sparse.realsize", b"%d" % entry.size),
        ]
        directory, _, name = entry.path.rpartition(b"/")
        path = (directory + b"/" if directory else b"") + b"GNUSparseFile.0/" + name
        self._begin(entry, path, len(front) + stored, records)
        self._write(front)
        self._add_data(stored, data)

    def close(self) -> None:
        """Write the end mark: two zero blocks."""
        self._write(bytes(2 * BLOCK_BYTES))

    def _add_records(self, path: bytes, records: list[tuple[bytes, bytes]]) -> None:
        body = pax.encode(records)
        name = b"PaxHeaders/" + path.rstrip(b"/").rpartition(b"/")[2][:80]
        self._write(encode(name, b"x", size=len(body)) + body + padding(len(body)))

    def _add_data(self, size: int, data: Source | None) -> None:
        left = size
        while left:
            chunk = data.read(min(left, CHUNK_BYTES)) if data is not None else b""
            if not chunk:
                raise Shrunk(f"{left} of {size} bytes are missing")
            self._write(chunk)
            left -= len(chunk)
        self._write(padding(size))


def _records(entry: TarEntry, path: bytes, size: int) -> list[tuple[bytes, bytes]]:
    """The PAX records that a member needs, sorted by keyword."""
    records = []
    if not _is_plain(path):
        records.append((b"path", path))
    if entry.kind in (SYMLINK, HARDLINK) and not _is_plain(entry.link):
        records.append((b"linkpath", entry.link))
    if entry.mtime_ns % _SECOND_NS or not fits(entry.mtime_ns // _SECOND_NS, 11):
        records.append((b"mtime", pax.format_time(entry.mtime_ns)))
    for keyword, value, digits in (
        (b"size", size, 11),
        (b"uid", entry.uid, 7),
        (b"gid", entry.gid, 7),
    ):
        if not fits(value, digits):
            records.append((keyword, b"%d" % value))
    records += [(pax.SCHILY_XATTR + name, value) for name, value in entry.xattrs.items()]
    return sorted(records)


def _is_plain(name: bytes) -> bool:
    """Whether a name can stand in a ustar header: short, ASCII."""
    return len(name) <= _NAME_BYTES and name.isascii()


def padding(size: int) -> bytes:
    """The zeros after that many bytes of data."""
    return bytes(-size % BLOCK_BYTES)
