"""apply_layer: unpack a layer's tar stream into a tree that overlayfs can take as a lower
directory.

What an entry does (OCI image-spec, layer.md#applying-changesets), duplicates: the last one wins:
    directory over directory    attributes are replaced, content stays
    anything else over anything what was there is removed first
    whiteouts                   become overlayfs's own (whiteout.py); a bare ".wh." is refused
A name that this layer itself replaced by a directory becomes opaque: what was below it in lower
layers is gone, as if the entries had been applied to a merged tree one by one.

The target must be an empty directory of ours; after an error it is to be thrown away whole. The
digest covers the whole stream, also what follows the end mark.
"""

import errno
import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from lading import errors
from lading.storage import durable
from lading.storage.layers import attributes, whiteout
from lading.storage.layers.limits import DEFAULT, LimitExceeded, Limits
from lading.storage.layers.source import Hashing, Source
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
from lading.storage.layers.tar_reader import TarReader
from lading.storage.layers.tree import OPEN_DIRECTORY, HostileArchive, Tree

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NODE_TYPES = {CHARACTER: stat.S_IFCHR, BLOCK: stat.S_IFBLK, FIFO: stat.S_IFIFO}
_LARGEST_MAJOR, _LARGEST_MINOR = (1 << 12) - 1, (1 << 20) - 1  # include/linux/kdev_t.h
_COPY_BYTES = 1 << 20
# What the kernel says about a name, a link or a number that only the archive can be blamed for.
_ARCHIVE_ERRNOS = frozenset([
    errno.E2BIG, errno.EEXIST, errno.EFBIG, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.EMLINK,
    errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EPERM, errno.ERANGE,
])  # fmt: skip


class UnpackFailed(errors.SystemFault):
    """cannot unpack {0!r}: {1}"""

    def __init__(self, path: bytes, reason: str) -> None:
        super().__init__(path.decode(errors="backslashreplace"), reason)


class Applied(NamedTuple):
    """What was unpacked. `diff_id` is the sha256 digest of the uncompressed stream."""

    diff_id: str
    size_bytes: int  # file data that was written
    entries: int
    has_root: bool  # the archive carries the root directory's own attributes
    needs_lower: bool  # unpacked without `lowers`, but they matter: unpack again with them


def apply_layer(
    source: Source,
    target: int,
    *,
    lowers: Sequence[int] | None = (),
    limits: Limits = DEFAULT,
) -> Applied:
    """Unpack a stream of plain tar bytes into the directory `target` (a descriptor).

    `lowers` are the root directories of the chain below, top first, () for a base layer. With None
    the chain is unknown (layers of an image unpacked side by side): see Applied.needs_lower.
    Raises BadTar, BadCompression, LimitExceeded, HostileArchive, DiskFull, UnpackFailed.
    """
    hashing = Hashing(source)
    reader = TarReader(hashing, limits)
    tree = Tree(target, lowers, limits)
    unpacker = _Unpacker(reader, tree)
    try:
        while (entry := reader.next()) is not None:
            unpacker.unpack(entry)
        unpacker.finish()
    finally:
        tree.close()
    hashing.drain()
    return Applied(
        hashing.digest(), unpacker.size, reader.entries, unpacker.has_root, tree.needs_lower
    )


class _Unpacker:
    """Entries of one archive into one tree."""

    def __init__(self, reader: TarReader, tree: Tree) -> None:
        self._reader = reader
        self._tree = tree
        self._base = tree.lowers is not None and not tree.lowers
        self.size = 0
        self.has_root = False

    def unpack(self, entry: TarEntry) -> None:
        """Unpack one entry; what the kernel refuses is told with the entry's path."""
        try:
            self._unpack(entry)
        except OSError as error:
            raise _blame(error, entry) from error

    def finish(self) -> None:
        """What can only be done when everything is in place: the mtimes of directories."""
        tree = self._tree
        if not self.has_root and tree.lowers:
            found = tree.find_lower(b"")
            if found is not None:
                tree.adopt(found, tree.root, b"")
                os.close(found.descriptor)
        for physical in sorted(tree.times):
            os.utime(tree.directory(physical), ns=tree.times[physical])
            tree.trim()

    def _unpack(self, entry: TarEntry) -> None:
        tree = self._tree
        tree.trim()
        if whiteout.PREFIX in entry.path and self._mark(entry.path):
            return
        parent, physical, name = tree.place(entry.path)
        kind = entry.kind
        if kind == REGULAR:
            self._file(parent, physical, name, entry)
        elif kind == DIRECTORY:
            self._directory(parent, physical, name, entry)
        elif not name:
            raise HostileArchive(entry.path, "the root is not a directory")
        elif kind == SYMLINK:
            self._symlink(parent, physical, name, entry)
        elif kind == HARDLINK:
            self._hardlink(physical, name, entry)
        else:
            self._node(parent, physical, name, entry)

    def _file(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        if not name:
            raise HostileArchive(entry.path, "the root is not a directory")
        try:
            descriptor = os.open(name, _CREATE, 0o600, dir_fd=parent)
        except FileExistsError:
            self._tree.remove(parent, physical, name)
            descriptor = os.open(name, _CREATE, 0o600, dir_fd=parent)
        try:
            if entry.sparse is not None:
                self._write_sparse(descriptor, entry)
            elif entry.size:
                self._write(descriptor)
            attributes.set_on(descriptor, entry)
            os.utime(descriptor, ns=attributes.times_of(entry))
        finally:
            os.close(descriptor)

    def _write(self, descriptor: int) -> None:
        read_data = self._reader.read_data
        while piece := read_data():
            durable.write_all(descriptor, piece)
            self.size += len(piece)

    def _write_sparse(self, descriptor: int, entry: TarEntry) -> None:
        piece = memoryview(b"")
        for offset, length in entry.sparse or ():
            os.lseek(descriptor, offset, os.SEEK_SET)
            while length:
                piece = piece or self._reader.read_data()
                durable.write_all(descriptor, piece[:length])
                taken = min(len(piece), length)
                piece, length = piece[taken:], length - taken
                self.size += taken
        os.ftruncate(descriptor, entry.real_size)

    def _directory(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        tree = self._tree
        if not name:
            self.has_root = True
            attributes.set_on(tree.root, entry)
            tree.times[b""] = attributes.times_of(entry)
            return
        path = physical + b"/" + name if physical else name
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            self._over_existing(parent, physical, name)
        descriptor = tree.directory(path)
        attributes.set_on(descriptor, entry)
        tree.times[path] = attributes.times_of(entry)

    def _over_existing(self, parent: int, physical: bytes, name: bytes) -> None:
        """A directory where this layer has something: kept if it is one, else replaced."""
        if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            return
        self._tree.remove(parent, physical, name)
        os.mkdir(name, 0o700, dir_fd=parent)
        self._make_opaque(parent, name)

    def _symlink(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        uid, gid = attributes.owner_of(entry)
        try:
            os.symlink(entry.link, name, dir_fd=parent)
        except FileExistsError:
            self._tree.remove(parent, physical, name)
            os.symlink(entry.link, name, dir_fd=parent)
        os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        os.utime(name, ns=attributes.times_of(entry), dir_fd=parent, follow_symlinks=False)

    def _hardlink(self, physical: bytes, name: bytes, entry: TarEntry) -> None:
        tree = self._tree
        source, source_path, source_name = tree.place(entry.link)
        if not source_name:
            raise HostileArchive(entry.path, "hard link to the root directory")
        parent = tree.directory(physical)
        if not self._is_here(source, source_name):
            if tree.lowers is None:
                tree.needs_lower = True
                return
            self._copy_up(source, source_path, source_name, entry)
        try:
            os.link(source_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            if _is_below(source_path, physical + b"/" + name if physical else name):
                raise HostileArchive(entry.path, "hard link over its own target") from None
            self._link_over(source, source_name, parent, physical, name)

    def _is_here(self, directory: int, name: bytes) -> bool:
        """Whether this layer has a file of that name (a whiteout is none)."""
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if whiteout.is_whiteout(status):
            raise FileNotFoundError(errno.ENOENT, "hard link to a file that is removed here")
        return True

    def _link_over(
        self, source: int, source_name: bytes, parent: int, physical: bytes, name: bytes
    ) -> None:
        old = os.stat(name, dir_fd=parent, follow_symlinks=False)
        new = os.stat(source_name, dir_fd=source, follow_symlinks=False)
        if old.st_ino == new.st_ino:  # a repeated entry
            return
        self._tree.remove(parent, physical, name)
        os.link(source_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)

    def _copy_up(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        """Bring a lower layer's file into this one, to be linked to. Counted like written data."""
        found = self._tree.find_lower(physical + b"/" + name if physical else name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "hard link to a file that does not exist")
        try:
            status = found.status
            if stat.S_ISLNK(status.st_mode):
                os.symlink(found.readlink(), name, dir_fd=parent)
                os.chown(name, status.st_uid, status.st_gid, dir_fd=parent, follow_symlinks=False)
                times = (status.st_mtime_ns, status.st_mtime_ns)
                os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)
            elif stat.S_ISREG(status.st_mode):
                self._copy_file(found.reopen(), status, parent, name)
            else:
                raise HostileArchive(entry.path, "hard link to a special file of a lower layer")
        finally:
            os.close(found.descriptor)

    def _copy_file(self, source: int, status: os.stat_result, parent: int, name: bytes) -> None:
        target = os.open(name, _CREATE, 0o600, dir_fd=parent)
        try:
            while copied := os.copy_file_range(source, target, _COPY_BYTES):
                self.size += copied
            attributes.copy_from(source, status, target)
        finally:
            os.close(source)
            os.close(target)

    def _node(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        major, minor = entry.device
        if entry.kind != FIFO:
            if entry.kind == CHARACTER and (major, minor) == (0, 0):
                raise HostileArchive(entry.path, "device 0:0 is how overlayfs marks whiteouts")
            if not (0 <= major <= _LARGEST_MAJOR and 0 <= minor <= _LARGEST_MINOR):
                raise HostileArchive(entry.path, f"no such device number: {major}:{minor}")
        uid, gid = attributes.owner_of(entry)
        kind, device = _NODE_TYPES[entry.kind] | 0o600, os.makedev(major, minor)
        try:
            os.mknod(name, kind, device, dir_fd=parent)
        except FileExistsError:
            self._tree.remove(parent, physical, name)
            os.mknod(name, kind, device, dir_fd=parent)
        os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        os.chmod(name, entry.mode, dir_fd=parent)  # no link: made exclusively, a line above
        os.utime(name, ns=attributes.times_of(entry), dir_fd=parent, follow_symlinks=False)

    def _mark(self, path: bytes) -> bool:
        """Do what a whiteout entry says; False when the path is none."""
        kind, hidden = whiteout.classify(path)
        if kind is whiteout.Kind.NONE:
            return False
        if kind is whiteout.Kind.BOOKKEEPING:
            return True
        if hidden in (b"", b".", b".."):
            raise HostileArchive(path, "whiteout of no name")
        try:
            parent, physical, _ = self._tree.place(path, make=self._tree.lowers is None)
        except FileNotFoundError:  # no such directory below either: nothing to hide
            return True
        if kind is whiteout.Kind.WHITEOUT:
            self._whiteout(parent, physical, hidden)
        elif not self._base:
            whiteout.make_opaque(parent)
        return True

    def _whiteout(self, parent: int, physical: bytes, hidden: bytes) -> None:
        if not self._hides_something(physical + b"/" + hidden if physical else hidden):
            return
        try:
            whiteout.make_whiteout(parent, hidden)
        except FileExistsError:  # this layer's own file stays, and covers what is below
            status = os.stat(hidden, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                self._make_opaque(parent, hidden)

    def _hides_something(self, path: bytes) -> bool:
        """Whether the lower chain has this path. Without need overlayfs gets no whiteout: in a
        directory that is in one layer only, readdir(3) would show it.
        """
        if self._tree.lowers is None:
            return True
        found = self._tree.find_lower(path)
        if found is not None:
            os.close(found.descriptor)
        return found is not None

    def _make_opaque(self, parent: int, name: bytes) -> None:
        if self._base:
            return
        descriptor = os.open(name, OPEN_DIRECTORY, dir_fd=parent)
        try:
            whiteout.make_opaque(descriptor)
        finally:
            os.close(descriptor)


def _is_below(path: bytes, directory: bytes) -> bool:
    return path == directory or path.startswith(directory + b"/")


def _blame(error: OSError, entry: TarEntry) -> errors.LadingError:
    """Whose fault an OSError is: the disk's, the archive's or the host's."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return durable.DiskFull(f"unpacking {entry.path.decode(errors='backslashreplace')!r}")
    if error.errno in _ARCHIVE_ERRNOS:
        return HostileArchive(entry.path, reason)
    return UnpackFailed(entry.path, reason)


__all__ = ["Applied", "HostileArchive", "LimitExceeded", "UnpackFailed", "apply_layer"]
