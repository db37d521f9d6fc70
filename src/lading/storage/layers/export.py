"""write_tree: a file, or a directory with all below it, becomes a tar stream as it is seen.

Unlike a layer (`diff`), a merged tree has no whiteouts, and somebody may be working in it: a file
that shrinks while it is read is filled up with zeros, one that grows is cut, one that vanishes is
left out. Sockets have no place in an archive. What is below a file system of the kernel's own
(procfs, sysfs) or is a door that the caller closes (`is_closed`) is left out: only the directory.
"""

import errno
import os
import stat
from collections.abc import Callable, Sequence
from io import RawIOBase

from lading.storage.extents import extents
from lading.storage.layers import attributes
from lading.storage.layers.diff import entry_of
from lading.storage.layers.ids import Ids
from lading.storage.layers.limits import DEFAULT, LimitExceeded
from lading.storage.layers.source import Source
from lading.storage.layers.tar_entry import DIRECTORY, HARDLINK, REGULAR, SYMLINK, TarEntry
from lading.storage.layers.tar_writer import Piece, TarWriter

_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_GONE = (errno.ENOENT, errno.ESTALE, errno.ENOTDIR, errno.ELOOP)


def _never(directory: int) -> bool:
    return False


def write_tree(
    parent: int,
    name: bytes,
    write: Callable[[bytes], object],
    *,
    told: bytes,
    is_closed: Callable[[int], bool] = _never,
    ids: Ids | None = None,
) -> None:
    """Write `name` of the directory descriptor `parent`, called `told` in the archive.

    An empty `told` writes what is in the directory without the directory itself. `ids` says how
    owners are told.
    Raises FileNotFoundError when there is no such name.
    """
    writer = TarWriter(write)
    _Walker(writer, is_closed, ids).member(parent, name, told, is_root=True)
    writer.close()


def add_tree(writer: TarWriter, parent: int, name: bytes, *, told: bytes) -> None:
    """`write_tree` into an archive that has more in it.

    Sparse files are told without their holes, which not every reader of archives knows.
    """
    _Walker(writer, keeps_holes=True).member(parent, name, told, is_root=True)


class _Walker:
    def __init__(
        self,
        writer: TarWriter,
        is_closed: Callable[[int], bool] = _never,
        ids: Ids | None = None,
        *,
        keeps_holes: bool = False,
    ) -> None:
        self.writer = writer
        self._keeps_holes = keeps_holes
        self._is_closed = is_closed
        self._ids = ids
        self._links: dict[tuple[int, int], bytes] = {}  # first path of files with several names

    def member(self, parent: int, name: bytes, path: bytes, *, is_root: bool = False) -> None:
        """One name: what vanished meanwhile is left out, unless it is what was asked for."""
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                self._directory(parent, name, path)
            elif not stat.S_ISSOCK(status.st_mode):
                self._file(parent, name, path, status)
        except OSError as error:
            if is_root or error.errno not in _GONE:
                raise

    def _directory(self, parent: int, name: bytes, path: bytes) -> None:
        if path.count(b"/") >= DEFAULT.depth:
            raise LimitExceeded("the depth of a path", DEFAULT.depth)
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            if path:
                entry = entry_of(path, os.fstat(descriptor))
                entry.xattrs = attributes.read_xattrs(descriptor)
                self._add(entry)
            if self._is_closed(descriptor):
                return
            prefix = path + b"/" if path else b""
            for below in sorted(map(os.fsencode, os.listdir(descriptor))):
                self.member(descriptor, below, prefix + below)
        finally:
            os.close(descriptor)

    def _file(self, parent: int, name: bytes, path: bytes, status: os.stat_result) -> None:
        entry = entry_of(path, status)
        if status.st_nlink > 1 and entry.kind != DIRECTORY:
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                entry.kind, entry.link, entry.size = HARDLINK, first, 0
        if entry.kind == SYMLINK:
            entry.link = os.readlink(name, dir_fd=parent)
        if entry.kind != REGULAR:
            self._add(entry)
            return
        descriptor = os.open(name, _FILE, dir_fd=parent)
        with open(descriptor, "rb", buffering=0) as file:
            now = os.fstat(descriptor)
            if not stat.S_ISREG(now.st_mode):
                return  # swapped for something else meanwhile
            entry.size = now.st_size
            entry.xattrs = attributes.read_xattrs(descriptor)
            if self._keeps_holes and now.st_blocks * 512 < now.st_size:
                parts = extents(descriptor, now.st_size)
                pieces = [(start, end - start) for start, end in parts]
                self.writer.add_sparse(entry, pieces, _Filled(_Pieces(file, pieces)))
            else:
                self._add(entry, _Filled(file))

    def _add(self, entry: TarEntry, source: Source | None = None) -> None:
        if self._ids is not None:
            self._ids.apply(entry)
        self.writer.add(entry, source)


class _Filled:
    """A source that goes on with zeros: the archive's header has promised a size."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int, /) -> bytes:
        return self._source.read(size) or bytes(size)


class _Pieces:
    """The data of a sparse file, one piece after the other."""

    def __init__(self, file: RawIOBase, pieces: Sequence[Piece]) -> None:
        self._file = file
        self._pieces = list(reversed(pieces))
        self._left = 0

    def read(self, size: int, /) -> bytes:
        while not self._left:
            if not self._pieces:
                return b""
            offset, self._left = self._pieces.pop()
            self._file.seek(offset)
        length = min(size, self._left)
        self._left -= length
        data = self._file.read(length) or b""
        return data + bytes(length - len(data))  # zeros where it shrank meanwhile
