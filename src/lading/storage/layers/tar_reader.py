"""TarReader: members of a tar stream, one after the other, with their data as pieces of the stream.

A pull parser over a source: no seeking, no temporary files, and no copy of file data (the pieces
are views of the chunks that the source gave). It understands ustar, PAX (local and global), GNU
long names, base-256 numbers and sparse files, and the old V7 format. It judges the form of an
archive only; whether a path or a link may be used is for whoever uses it.

    while (entry := reader.next()) is not None:
        while piece := reader.read_data():
            ...

Sources: POSIX.1-2017 pax; GNU tar manual, "Basic Tar Format" and "Sparse Formats".
"""

from lading.storage.layers import pax, sparse
from lading.storage.layers.limits import DEFAULT, LimitExceeded, Limits
from lading.storage.layers.source import CHUNK_BYTES, Source
from lading.storage.layers.tar_entry import DIRECTORY, REGULAR, TarEntry
from lading.storage.layers.tar_header import (
    BLOCK_BYTES,
    KIND,
    ZERO_BLOCK,
    BadTar,
    Header,
    decode,
    decode_size,
)

Records = list[tuple[bytes, bytes]]

PAX_LOCAL, PAX_GLOBAL = b"x", b"g"
GNU_LONG_NAME, GNU_LONG_LINK, GNU_SPARSE = b"L", b"K", b"S"
_OLD_REGULAR, _CONTIGUOUS = b"\0", b"7"
_WITH_DATA = frozenset([REGULAR, _OLD_REGULAR, _CONTIGUOUS, GNU_SPARSE])
_PLAIN = frozenset(b"0123456\x00"[i : i + 1] for i in range(8)) | {_CONTIGUOUS, GNU_SPARSE}
_META = frozenset([PAX_LOCAL, PAX_GLOBAL, GNU_LONG_NAME, GNU_LONG_LINK])
_GLOBAL_KEYWORDS = frozenset([b"path", b"linkpath", b"size", b"mtime", b"uid", b"gid"])
_LARGEST = 1 << 63  # off_t


class TarReader:
    """Reads one archive. After `next` returned None the source stands after the end mark."""

    def __init__(self, source: Source, limits: Limits = DEFAULT) -> None:
        self._source = source
        self._limits = limits
        self._view = memoryview(b"")
        self._chunk = b""
        self._position = 0
        self._left = 0  # bytes of the current member that were not read yet
        self._padding = 0
        self._globals: dict[bytes, bytes] = {}
        self.entries = 0

    def next(self) -> TarEntry | None:
        """The next member, or None at the end of the archive. Raises BadTar, LimitExceeded."""
        records: Records = []
        while True:
            block = self._header_block()
            if block is None:
                if records:
                    raise BadTar("ends after an extended header")
                return None
            kind = block[KIND]
            if kind not in _META:
                return self._member(decode(block), records)
            records += self._meta(kind, decode_size(block))

    def read_data(self) -> memoryview:
        """The next piece of the member's data; empty at its end. Raises BadTar when it is cut off.

        The pieces of a sparse file follow each other without the holes.
        """
        if not self._left:
            return memoryview(b"")
        if self._position == len(self._chunk):
            self._refill()
        start = self._position
        piece = self._view[start : start + self._left]
        self._position += len(piece)
        self._left -= len(piece)
        return piece

    def _header_block(self) -> bytes | None:
        """The block of the next header, after what is left of the last member; None at the end."""
        if self._left or self._padding:
            self._skip(self._left)
            self._left = 0
            if not self._skip_padding():
                return None
        start = self._position
        if len(self._chunk) - start >= BLOCK_BYTES:
            block = self._chunk[start : start + BLOCK_BYTES]
            self._position += BLOCK_BYTES
        elif self._at_end():
            return None  # without end mark: Go's writers accept that, and so do we
        else:
            block = self._block()
        if block[0] or block != ZERO_BLOCK:
            return block
        if not self._at_end() and self._block() != ZERO_BLOCK:
            raise BadTar("single zero block")
        return None

    def _member(self, header: Header, records: Records) -> TarEntry:
        self.entries += 1
        if self.entries > self._limits.entries:
            raise LimitExceeded("the number of entries", self._limits.entries)
        kind = header.kind
        if kind not in _PLAIN:
            raise BadTar(f"unsupported entry type {kind!r}")
        # Kinds without data may carry a size all the same (hard links of cpio): nothing follows.
        size = header.size if kind in _WITH_DATA else 0
        entry = TarEntry(
            header.name,
            kind,
            size=size,
            mode=header.mode,
            uid=header.uid,
            gid=header.gid,
            mtime_ns=header.mtime_s * 1_000_000_000,
            link=header.link,
            device=header.device,
        )
        if records or self._globals:
            _override(entry, [*self._globals.items(), *records], kind in _WITH_DATA)
        if kind in _WITH_DATA:
            self._data(header, entry, records)
        if not entry.path or len(entry.path) > self._limits.path_bytes:
            raise BadTar("empty path") if not entry.path else self._long("a path")
        if len(entry.link) > self._limits.path_bytes:
            raise self._long("a link")
        return entry

    def _data(self, header: Header, entry: TarEntry, records: Records) -> None:
        """Prepare to read the data; find the real size and map of a sparse file."""
        if not 0 <= entry.size < _LARGEST:
            raise BadTar("size out of range")
        if header.kind == _OLD_REGULAR and entry.path.endswith(b"/"):
            entry.kind = DIRECTORY  # V7 had no type for directories
            entry.size = 0
        elif header.kind != REGULAR:
            entry.kind = REGULAR
        entry.real_size = entry.size
        self._left = entry.size
        self._padding = -entry.size % BLOCK_BYTES
        if header.kind == GNU_SPARSE:
            pairs, real = sparse.read_old(header.block, self._block, self._limits.header_bytes)
            _set_sparse(entry, pairs, real)
        elif records and any(keyword.startswith(b"GNU.sparse.") for keyword, _ in records):
            self._pax_sparse(entry, records)

    def _pax_sparse(self, entry: TarEntry, records: Records) -> None:
        table = dict(records)
        real = table.get(b"GNU.sparse.realsize") or table.get(b"GNU.sparse.size")
        if real is None:
            return
        if table.get(b"GNU.sparse.major") == b"1":
            pairs, taken = sparse.read_lines(self._data_block, self._limits.header_bytes)
            entry.size -= taken
        else:
            pairs = sparse.from_records(records)
        entry.path = table.get(b"GNU.sparse.name", entry.path)
        _set_sparse(entry, pairs, pax.parse_integer(real))

    def _meta(self, kind: bytes, size: int) -> Records:
        """Read an extended header and return it as PAX records; GNU's names become such, too."""
        if size > self._limits.header_bytes:
            raise LimitExceeded("an extended header", f"{self._limits.header_bytes} bytes")
        data = self._exact(size)
        self._padding = -size % BLOCK_BYTES
        if kind == GNU_LONG_NAME:
            return [(b"path", data.partition(b"\0")[0])]
        if kind == GNU_LONG_LINK:
            return [(b"linkpath", data.partition(b"\0")[0])]
        records = pax.parse(data)
        if kind == PAX_LOCAL:
            return records
        # Only what can be meant for all members; a bounded number, for each member looks at them.
        self._globals.update(pair for pair in records if pair[0] in _GLOBAL_KEYWORDS)
        return []

    def _long(self, what: str) -> LimitExceeded:
        return LimitExceeded(what, f"{self._limits.path_bytes} bytes")

    def _block(self) -> bytes:
        return self._exact(BLOCK_BYTES)

    def _data_block(self) -> bytes:
        if self._left < BLOCK_BYTES:
            raise BadTar("sparse map is longer than its data")
        self._left -= BLOCK_BYTES
        return self._exact(BLOCK_BYTES)

    def _exact(self, size: int) -> bytes:
        """Take so many bytes that may lie across chunks. Raises BadTar at the end of the stream."""
        start = self._position
        if len(self._chunk) - start >= size:
            self._position += size
            return self._chunk[start : start + size]
        pieces = [self._chunk[start:]]
        missing = size - len(pieces[0])
        while missing:
            self._refill()
            pieces.append(self._chunk[:missing])
            missing -= len(pieces[-1])
        self._position = len(pieces[-1])
        return b"".join(pieces)

    def _skip(self, size: int) -> None:
        while size > len(self._chunk) - self._position:
            size -= len(self._chunk) - self._position
            self._refill()
        self._position += size

    def _skip_padding(self) -> bool:
        """Go to the next header; False when the archive ends in, or instead of, the padding.

        Such archives exist (`umoci insert` writes them), and Go's archive/tar reads them.
        """
        padding, self._padding = self._padding, 0
        while padding > len(self._chunk) - self._position:
            padding -= len(self._chunk) - self._position
            self._position = len(self._chunk)
            if self._at_end():
                return False
        self._position += padding
        return True

    def _at_end(self) -> bool:
        """Whether the stream ends here; keeps what it had to read to know."""
        if self._position < len(self._chunk):
            return False
        self._chunk = self._source.read(CHUNK_BYTES)
        self._view = memoryview(self._chunk)
        self._position = 0
        return not self._chunk

    def _refill(self) -> None:
        self._position = len(self._chunk)
        if self._at_end():
            raise BadTar("unexpected end of archive")


def _set_sparse(entry: TarEntry, pairs: sparse.Map, real_size: int) -> None:
    if not 0 <= real_size < _LARGEST:
        raise BadTar("size of a sparse file out of range")
    entry.sparse = sparse.validate(pairs, real_size, entry.size)
    entry.real_size = real_size


def _override(entry: TarEntry, records: Records, has_data: bool) -> None:
    """Apply PAX records to what the block said; the last record of a keyword counts."""
    for keyword, value in records:
        if keyword == b"mtime":
            if value:
                entry.mtime_ns = pax.parse_time_ns(value)
        elif keyword == b"path":
            entry.path = value or entry.path  # an empty value takes a global one back
        elif keyword == b"linkpath":
            entry.link = value or entry.link
        elif keyword in (b"uid", b"gid"):
            if value:
                setattr(entry, keyword.decode(), pax.parse_integer(value))
        elif keyword == b"size":
            if value and has_data:
                entry.size = pax.parse_integer(value)
        elif xattr := pax.xattr_of(keyword, value):
            entry.xattrs[xattr[0]] = xattr[1]
