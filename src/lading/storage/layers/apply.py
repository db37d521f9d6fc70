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
from lading.storage.layers import hardlink, whiteout
from lading.storage.layers.create import Creator
from lading.storage.layers.limits import DEFAULT, LimitExceeded, Limits
from lading.storage.layers.source import Hashing, Source
from lading.storage.layers.tar_entry import (
    DIRECTORY,
    HARDLINK,
    REGULAR,
    SYMLINK,
    TarEntry,
)
from lading.storage.layers.tar_reader import TarReader
from lading.storage.layers.tree import HostileArchive, Tree

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
    known_digest: str | None = None,
) -> Applied:
    """Unpack a stream of plain tar bytes into the directory `target` (a descriptor).

    `lowers` are the root directories of the chain below, top first, () for a base layer. With None
    the chain is unknown (layers of an image unpacked side by side): see Applied.needs_lower.
    `known_digest` is what somebody else has just computed of the very same bytes: they are not
    hashed again then.
    Raises BadTar, BadCompression, LimitExceeded, HostileArchive, DiskFull, UnpackFailed.
    """
    hashing = Hashing(source) if known_digest is None else None
    reader = TarReader(hashing or source, limits)
    tree = Tree(target, lowers, limits)
    unpacker = _Unpacker(reader, tree)
    try:
        while (entry := reader.next()) is not None:
            unpacker.unpack(entry)
        unpacker.finish()
    finally:
        tree.close()
    if hashing:
        hashing.drain()
        known_digest = hashing.digest()
    assert known_digest is not None
    return Applied(known_digest, unpacker.size, reader.entries, unpacker.has_root, tree.needs_lower)


class _Unpacker:
    """Entries of one archive into one tree."""

    def __init__(self, reader: TarReader, tree: Tree) -> None:
        self._tree = tree
        self._create = Creator(reader, tree)
        self._copied = 0

    @property
    def size(self) -> int:
        """Bytes of file data in the tree."""
        return self._create.size + self._copied

    @property
    def has_root(self) -> bool:
        """Whether the archive had an entry for the root directory."""
        return self._create.has_root

    def unpack(self, entry: TarEntry) -> None:
        """Unpack one entry; what the kernel refuses is told with the entry's path."""
        try:
            self._unpack(entry)
        except OSError as error:
            raise blame(error, entry) from error

    def finish(self) -> None:
        """What can only be done when everything is in place."""
        tree = self._tree
        if not self.has_root and tree.lowers:
            found = tree.find_lower(b"")
            if found is not None:
                tree.adopt(found, tree.root, b"")
                os.close(found.descriptor)
        tree.finish()

    def _unpack(self, entry: TarEntry) -> None:
        tree = self._tree
        tree.trim()
        if whiteout.PREFIX in entry.path and self._mark(entry.path):
            return
        parent, physical, name = tree.place(entry.path)
        kind = entry.kind
        if kind == REGULAR:
            self._create.file(parent, physical, name, entry)
        elif kind == DIRECTORY:
            self._create.directory(parent, physical, name, entry)
        elif not name:
            raise HostileArchive(entry.path, "the root is not a directory")
        elif kind == SYMLINK:
            self._create.symlink(parent, physical, name, entry)
        elif kind == HARDLINK:
            self._copied += hardlink.link(tree, physical, name, entry)
        else:
            self._create.node(parent, physical, name, entry)

    def _mark(self, path: bytes) -> bool:
        """Do what a whiteout entry says; False when the path is none."""
        kind, hidden = whiteout.classify(path)
        if kind is whiteout.Kind.NONE:
            return False
        if kind is whiteout.Kind.BOOKKEEPING:
            return True
        if kind is whiteout.Kind.MISPLACED:
            raise HostileArchive(path, "a whiteout is no directory")
        if hidden in (b"", b".", b".."):
            raise HostileArchive(path, "whiteout of no name")
        try:
            parent, physical, _ = self._tree.place(path, make=self._tree.lowers is None)
        except FileNotFoundError:  # no such directory below either: nothing to hide
            return True
        if kind is whiteout.Kind.WHITEOUT:
            self._whiteout(parent, physical, hidden)
        elif not self._tree.is_base:
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
                whiteout.make_opaque_child(parent, hidden)
        except PermissionError:
            if not whiteout.may_be_files():
                raise
            self._tree.hidden.add((physical, hidden))

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


def blame(error: OSError, entry: TarEntry) -> errors.LadingError:
    """Whose fault an OSError is: the disk's, the archive's or the host's."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return durable.DiskFull(f"unpacking {entry.path.decode(errors='backslashreplace')!r}")
    if error.errno in _ARCHIVE_ERRNOS:
        return HostileArchive(entry.path, reason)
    return UnpackFailed(entry.path, reason)


__all__ = ["Applied", "HostileArchive", "LimitExceeded", "UnpackFailed", "apply_layer"]
