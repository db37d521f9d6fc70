"""Two trees, and what changed from one to the other: as a layer's tar, or as numbers.

For snapshot drivers without an overlay, whose container has a whole tree of its own. A file is
taken for unchanged when type, mode, owner, size, times, device, link target and xattrs are the
same, as image builders do; data is not read.
"""

import os
import stat
from collections.abc import Callable

from lading.storage.layers import attributes, whiteout
from lading.storage.layers.diff import Walker
from lading.storage.layers.tar_writer import TarWriter

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def write_changes(
    lower: int | None,
    upper: int,
    write: Callable[[bytes], object],
    *,
    without: frozenset[bytes] = frozenset(),
) -> None:
    """Write the layer that makes the tree `upper` of the tree `lower` (descriptors).

    `without`: paths that are left out, as in `write_layer`.
    """
    walker = Walker(TarWriter(write), without)
    comparison = _Comparison(walker)
    walker.directory_entry(b"./", upper)
    comparison.children(lower, upper, b"")
    walker.writer.close()


def measure_changes(lower: int | None, upper: int) -> tuple[int, int]:
    """Bytes of files and number of entries that the layer of the changes would have."""
    counter = _Counter()
    _Comparison(counter).children(lower, upper, b"")
    return counter.bytes, counter.entries


def list_changes(lower: int | None, upper: int) -> list[tuple[bytes, bool | None]]:
    """Paths that differ, parents first: True added, False changed, None gone."""
    lister = _Lister(lower)
    _Comparison(lister).children(lower, upper, b"")
    return lister.found


class _Lister(Walker):
    """Names instead of writing."""

    def __init__(self, lower: int | None) -> None:
        super().__init__(TarWriter(lambda _: None))
        self.found: list[tuple[bytes, bool | None]] = []
        self._lower = lower

    def member(self, directory: int, path: bytes, name: bytes, status: os.stat_result) -> None:
        self.found.append((path, not self._was_there(path)))
        if stat.S_ISDIR(status.st_mode):
            below = os.open(name, _DIRECTORY, dir_fd=directory)
            try:
                for each, inner in sorted(_stats(below).items()):
                    self.member(below, path + b"/" + each, each, inner)
            finally:
                os.close(below)

    def directory_entry(self, path: bytes, directory: int) -> None:
        del directory
        self.found.append((path, False))

    def whiteout(self, path: bytes) -> None:
        parent, slash, name = path.rpartition(b"/")
        self.found.append((parent + slash + name[len(whiteout.PREFIX) :], None))

    def _was_there(self, path: bytes) -> bool:
        """Every directory of the path is one in both trees: the comparison went through it."""
        try:
            os.stat(path, dir_fd=self._lower, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return self._lower is not None


class _Counter(Walker):
    """Counts instead of writing."""

    def __init__(self) -> None:
        super().__init__(TarWriter(lambda _: None))
        self.bytes = 0
        self.entries = 0

    def member(self, directory: int, path: bytes, name: bytes, status: os.stat_result) -> None:
        self.entries += 1
        self.bytes += status.st_size if stat.S_ISREG(status.st_mode) else 0
        if stat.S_ISDIR(status.st_mode):
            below = os.open(name, _DIRECTORY, dir_fd=directory)
            try:
                for each in sorted(os.listdir(below)):
                    inner = os.stat(each, dir_fd=below, follow_symlinks=False)
                    self.member(below, path, os.fsencode(each), inner)
            finally:
                os.close(below)

    def directory_entry(self, path: bytes, directory: int) -> None:
        del path, directory
        self.entries += 1

    def whiteout(self, path: bytes) -> None:
        del path
        self.entries += 1


class _Comparison:
    def __init__(self, walker: Walker) -> None:
        self._walker = walker

    def children(self, lower: int | None, upper: int, prefix: bytes) -> None:
        before = _stats(lower)
        after = _stats(upper)
        for name in sorted(before.keys() - after.keys()):
            self._walker.whiteout(prefix + whiteout.PREFIX + name)
        for name in sorted(after):
            status, old = after[name], before.get(name)
            if old is None or stat.S_IFMT(old.st_mode) != stat.S_IFMT(status.st_mode):
                self._walker.member(upper, prefix + name, name, status)
            elif stat.S_ISDIR(status.st_mode):
                self._directory(lower, upper, prefix, name)
            elif not _is_same(lower, upper, name, old, status):
                self._walker.member(upper, prefix + name, name, status)

    def _directory(self, lower: int | None, upper: int, prefix: bytes, name: bytes) -> None:
        """A directory of both; its entry is written when it or something in it has changed."""
        below = os.open(name, _DIRECTORY, dir_fd=lower)
        try:
            above = os.open(name, _DIRECTORY, dir_fd=upper)
            try:
                if _looks(below) != _looks(above) or _differs(below, above):
                    self._walker.directory_entry(prefix + name, above)
                    self.children(below, above, prefix + name + b"/")
            finally:
                os.close(above)
        finally:
            os.close(below)


def _differs(lower: int, upper: int) -> bool:
    """Whether anything below two directories is not the same."""
    before, after = _stats(lower), _stats(upper)
    if before.keys() != after.keys():
        return True
    for name, status in after.items():
        old = before[name]
        if stat.S_IFMT(old.st_mode) != stat.S_IFMT(status.st_mode):
            return True
        if not stat.S_ISDIR(status.st_mode):
            if not _is_same(lower, upper, name, old, status):
                return True
        elif _directory_differs(lower, upper, name):
            return True
    return False


def _directory_differs(lower: int, upper: int, name: bytes) -> bool:
    below = os.open(name, _DIRECTORY, dir_fd=lower)
    try:
        above = os.open(name, _DIRECTORY, dir_fd=upper)
        try:
            return _looks(below) != _looks(above) or _differs(below, above)
        finally:
            os.close(above)
    finally:
        os.close(below)


def _stats(directory: int | None) -> dict[bytes, os.stat_result]:
    if directory is None:
        return {}
    names = [os.fsencode(name) for name in os.listdir(directory)]
    return {name: os.stat(name, dir_fd=directory, follow_symlinks=False) for name in names}


def _looks(directory: int) -> tuple[object, ...]:
    """What of a directory counts as a change of its own; its mtime changes with its children."""
    status = os.fstat(directory)
    return status.st_mode, status.st_uid, status.st_gid, attributes.read_xattrs(directory)


def _is_same(
    lower: int | None, upper: int, name: bytes, old: os.stat_result, new: os.stat_result
) -> bool:
    def facts(status: os.stat_result) -> tuple[object, ...]:
        kind = (status.st_mode, status.st_uid, status.st_gid, status.st_rdev)
        return *kind, status.st_size, status.st_mtime_ns

    if facts(old) != facts(new):
        return False
    if stat.S_ISLNK(new.st_mode):
        return os.readlink(name, dir_fd=lower) == os.readlink(name, dir_fd=upper)
    return not stat.S_ISREG(new.st_mode) or _xattrs(lower, name) == _xattrs(upper, name)


def _xattrs(directory: int | None, name: bytes) -> dict[bytes, bytes]:
    descriptor = os.open(name, _FILE, dir_fd=directory)
    try:
        return attributes.read_xattrs(descriptor)
    finally:
        os.close(descriptor)
