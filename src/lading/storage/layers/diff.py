"""write_layer: a tree becomes a layer's tar stream; overlayfs's marks become whiteout files again.

The tree is the upper directory of an overlay (a commit) or any plain tree (an image made of the
host's own files). Names are sorted, so the same tree gives the same bytes. Whiteouts come before
the names next to them (OCI image-spec, layer.md#whiteouts). Sockets have no place in an archive and
are left out, and so are files whose names would be read as whiteouts.
"""

import os
import stat
from collections.abc import Callable

from lading.storage.layers import attributes, whiteout
from lading.storage.layers.tar_entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    HARDLINK,
    REGULAR,
    SYMLINK,
    TarEntry,
)
from lading.storage.layers.tar_writer import TarWriter

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: REGULAR,
    stat.S_IFLNK: SYMLINK,
    stat.S_IFCHR: CHARACTER,
    stat.S_IFBLK: BLOCK,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFIFO: FIFO,
}


def write_layer(
    upper: int, write: Callable[[bytes], object], *, without: frozenset[bytes] = frozenset()
) -> None:
    """Write the tree below the directory descriptor `upper`, whose attributes are the root's.

    `without`: paths ("etc/hosts") that are left out, with all below them.
    Nothing may change in the tree meanwhile: a file that shrinks raises tar_writer.Shrunk.
    """
    walker = Walker(TarWriter(write), without)
    walker.root(upper)
    walker.writer.close()


class Walker:
    """Members of a tree into an archive."""

    def __init__(self, writer: TarWriter, without: frozenset[bytes] = frozenset()) -> None:
        self.writer = writer
        self._without = without
        self._links: dict[tuple[int, int], bytes] = {}  # first path of files with several names

    def root(self, directory: int) -> None:
        """The whole tree."""
        self.directory_entry(b"./", directory)
        self._children(directory, b"")

    def directory_entry(self, path: bytes, directory: int) -> None:
        """A directory without what is in it."""
        entry = entry_of(path, os.fstat(directory))
        entry.xattrs = attributes.read_xattrs(directory)
        self.writer.add(entry)

    def whiteout(self, path: bytes) -> None:
        """A whiteout file of that name."""
        self.writer.add(TarEntry(path, mode=0))

    def _children(self, directory: int, prefix: bytes) -> None:
        if prefix and whiteout.is_opaque(directory):
            self.whiteout(prefix + whiteout.OPAQUE_MARKER)
        for name in whiteout.hidden_by_files(directory):
            self.whiteout(prefix + whiteout.PREFIX + name)
        names = whiteout.names_in(directory)
        found = [(n, os.stat(n, dir_fd=directory, follow_symlinks=False)) for n in names]
        for name, status in found:
            if whiteout.is_whiteout(status):
                self.whiteout(prefix + whiteout.PREFIX + name)
        for name, status in found:
            if not whiteout.is_whiteout(status):
                self.member(directory, prefix + name, name, status)

    def member(self, directory: int, path: bytes, name: bytes, status: os.stat_result) -> None:
        """Something in a directory, with all that is below it."""
        if stat.S_ISSOCK(status.st_mode) or name.startswith(whiteout.PREFIX):
            return
        if path in self._without:
            return
        entry = entry_of(path, status)
        if entry.kind == DIRECTORY:
            self._directory(directory, name, entry)
        elif self._is_repeated(entry, status):
            self.writer.add(entry)
        elif entry.kind == REGULAR:
            self._file(directory, name, entry)
        else:
            if entry.kind == SYMLINK:
                entry.link = os.readlink(name, dir_fd=directory)
            self.writer.add(entry)

    def _is_repeated(self, entry: TarEntry, status: os.stat_result) -> bool:
        """Whether the file was written under another name; the entry becomes a link to that."""
        if status.st_nlink < 2:
            return False
        first = self._links.setdefault((status.st_dev, status.st_ino), entry.path)
        if first == entry.path:
            return False
        entry.kind, entry.link, entry.size = HARDLINK, first, 0
        return True

    def _directory(self, parent: int, name: bytes, entry: TarEntry) -> None:
        descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            entry.xattrs = attributes.read_xattrs(descriptor)
            self.writer.add(entry)
            self._children(descriptor, entry.path + b"/")
        finally:
            os.close(descriptor)

    def _file(self, directory: int, name: bytes, entry: TarEntry) -> None:
        with open(os.open(name, _FILE, dir_fd=directory), "rb", buffering=0) as file:
            entry.xattrs = attributes.read_xattrs(file.fileno())
            self.writer.add(entry, file)


def entry_of(path: bytes, status: os.stat_result) -> TarEntry:
    """The member that stands for a file, without its link target and xattrs."""
    kind = _KINDS[stat.S_IFMT(status.st_mode)]
    is_device = kind in (CHARACTER, BLOCK)
    return TarEntry(
        path,
        kind,
        size=status.st_size if kind == REGULAR else 0,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        mtime_ns=status.st_mtime_ns,
        device=(os.major(status.st_rdev), os.minor(status.st_rdev)) if is_device else (0, 0),
    )
