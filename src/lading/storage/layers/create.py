"""Members of an archive become files: one method for each kind, each over whatever was there.

A name is created exclusively (O_EXCL, mkdir, symlink, mknod), never opened: so nothing that an
archive made earlier, a link least of all, is ever written through. What is in the way is removed
first.
"""

import os
import stat

from lading.storage import durable
from lading.storage.layers import attributes, whiteout
from lading.storage.layers.tar_entry import BLOCK, CHARACTER, FIFO, TarEntry
from lading.storage.layers.tar_reader import TarReader
from lading.storage.layers.tree import HostileArchive, Tree

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NODE_TYPES = {CHARACTER: stat.S_IFCHR, BLOCK: stat.S_IFBLK, FIFO: stat.S_IFIFO}
_LARGEST_MAJOR, _LARGEST_MINOR = (1 << 12) - 1, (1 << 20) - 1  # include/linux/kdev_t.h


class Creator:
    """Creates members in one tree; their data comes from the reader.

    Methods take the place (parent descriptor, parent's physical path, name) from Tree.place.
    """

    def __init__(self, reader: TarReader, tree: Tree) -> None:
        self._reader = reader
        self._tree = tree
        self.size = 0  # bytes of file data that were written
        self.has_root = False

    def file(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        """A regular file with its data; its size counts as written."""
        if not name:
            raise HostileArchive(entry.path, "the root is not a directory")
        try:
            descriptor = os.open(name, CREATE, 0o600, dir_fd=parent)
        except FileExistsError:
            self._tree.remove(parent, physical, name)
            descriptor = os.open(name, CREATE, 0o600, dir_fd=parent)
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

    def directory(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        """A directory or the root; `Tree.finish` does what has to come last."""
        tree = self._tree
        if not name:
            self.has_root = True
            attributes.set_on(tree.root, entry)
            tree.finish_later(b"", tree.root, attributes.times_of(entry))
            return
        path = physical + b"/" + name if physical else name
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            self._over_existing(parent, physical, name)
        descriptor = tree.directory(path)
        attributes.set_on(descriptor, entry)
        tree.finish_later(path, descriptor, attributes.times_of(entry))

    def _over_existing(self, parent: int, physical: bytes, name: bytes) -> None:
        """A directory where this layer has something: kept if it is one, else replaced."""
        if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            return
        self._tree.remove(parent, physical, name)
        os.mkdir(name, 0o700, dir_fd=parent)
        if not self._tree.is_base:
            whiteout.make_opaque_child(parent, name)

    def symlink(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        """A symbolic link; where it points to is nobody's business here."""
        uid, gid = attributes.owner_of(entry)
        try:
            os.symlink(entry.link, name, dir_fd=parent)
        except FileExistsError:
            self._tree.remove(parent, physical, name)
            os.symlink(entry.link, name, dir_fd=parent)
        os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        os.utime(name, ns=attributes.times_of(entry), dir_fd=parent, follow_symlinks=False)

    def node(self, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> None:
        """A device or a fifo. A device that would be a whiteout is refused."""
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
        except PermissionError:
            if entry.kind == FIFO:
                raise
            return  # nobody may make devices in a user namespace; containers get theirs otherwise
        os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        os.chmod(name, entry.mode, dir_fd=parent)  # no link: made exclusively, a line above
        os.utime(name, ns=attributes.times_of(entry), dir_fd=parent, follow_symlinks=False)
