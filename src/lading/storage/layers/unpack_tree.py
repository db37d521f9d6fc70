"""unpack_tree: an archive becomes a tree of our own, exactly as it was written by `add_tree`.

Unlike a layer (`apply`) it has no whiteouts and nothing below it; unlike `extract` the directory is
ours alone and new, and takes the attributes that the archive has for it. An archive of several
trees is unpacked by several `TreeUnpacker`s with one reader.
"""

from lading.storage.layers import hardlink
from lading.storage.layers.apply import blame
from lading.storage.layers.create import Creator
from lading.storage.layers.limits import DEFAULT, Limits
from lading.storage.layers.tar_entry import DIRECTORY, HARDLINK, REGULAR, SYMLINK, TarEntry
from lading.storage.layers.tar_reader import TarReader
from lading.storage.layers.tree import HostileArchive, Tree


class TreeUnpacker:
    """Unpacks members of one archive into one directory (descriptor). `finish`, then `close`."""

    def __init__(self, reader: TarReader, root: int, limits: Limits = DEFAULT) -> None:
        self._tree = Tree(root, (), limits)
        self._create = Creator(reader, self._tree)

    def member(self, entry: TarEntry) -> None:
        """Make one member; its path is relative to the directory. Raises HostileArchive, ..."""
        try:
            self._member(entry)
        except OSError as error:
            raise blame(error, entry) from error

    def finish(self) -> None:
        """What has to come last: times and default access control lists of directories."""
        self._tree.finish()

    def close(self) -> None:
        """Close all that is open."""
        self._tree.close()

    def _member(self, entry: TarEntry) -> None:
        if b".." in entry.path.split(b"/"):
            raise HostileArchive(entry.path, "path contains ..")
        self._tree.trim()
        parent, physical, name = self._tree.place(entry.path)
        kind = entry.kind
        if kind == DIRECTORY:
            self._create.directory(parent, physical, name, entry)
        elif not name:
            raise HostileArchive(entry.path, "the root is not a directory")
        elif kind == REGULAR:
            self._create.file(parent, physical, name, entry)
        elif kind == SYMLINK:
            self._create.symlink(parent, physical, name, entry)
        elif kind == HARDLINK:
            hardlink.link(self._tree, physical, name, entry)
        else:
            self._create.node(parent, physical, name, entry)


def unpack_tree(reader: TarReader, root: int, limits: Limits = DEFAULT) -> int:
    """Unpack a whole archive; the number of members. Raises BadTar, HostileArchive, DiskFull."""
    unpacker = TreeUnpacker(reader, root, limits)
    count = 0
    try:
        while (entry := reader.next()) is not None:
            unpacker.member(entry)
            count += 1
        unpacker.finish()
    finally:
        unpacker.close()
    return count
