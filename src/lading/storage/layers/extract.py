"""extract: an archive's members go into a directory of a tree that is somebody's living root.

Unlike a layer (`apply`), names that look like whiteouts are plain names, and what is in the tree
already stays unless a member has its name: a directory over a directory keeps its content, anything
else is replaced. Parents of members may be links: they are followed as a process in the tree would,
so `root` bounds every name, and the archive cannot reach outside.
"""

import os
import stat

from lading import errors
from lading.storage.layers import hardlink
from lading.storage.layers.apply import blame
from lading.storage.layers.create import Creator
from lading.storage.layers.ids import Ids
from lading.storage.layers.limits import DEFAULT, Limits
from lading.storage.layers.source import Source
from lading.storage.layers.tar_entry import DIRECTORY, HARDLINK, REGULAR, SYMLINK, TarEntry
from lading.storage.layers.tar_reader import TarReader
from lading.storage.layers.tree import HostileArchive, Tree


class OverDirectory(errors.SystemFault):
    """cannot overwrite directory "{0}" with non-directory "{1}\""""


class OverFile(errors.SystemFault):
    """cannot overwrite non-directory "{0}" with directory "{1}\""""


def extract(
    source: Source,
    root: int,
    directory: bytes,
    *,
    keeps_kinds: bool = False,
    owner: tuple[int, int] | None = None,
    ids: Ids | None = None,
    limits: Limits = DEFAULT,
) -> None:
    """Unpack a plain tar stream into `directory` (physical, "" for the root itself).

    `root` is a descriptor. With `keeps_kinds` a directory is never replaced by another kind, nor
    the other way round; with `owner` every member is given to that (uid, gid). `ids` translates
    owners to those that the tree is seen to have.
    Raises BadTar, HostileArchive, OverDirectory, OverFile, DiskFull, UnpackFailed.
    """
    reader = TarReader(source, limits)
    tree = Tree(root, (), limits)
    extraction = _Extraction(reader, tree, directory, keeps_kinds)
    try:
        while (entry := reader.next()) is not None:
            if owner:
                entry.uid, entry.gid = owner
            if ids is not None:
                ids.apply(entry)
            try:
                extraction.member(entry)
            except OSError as error:
                raise blame(error, entry) from error
        tree.finish()
    finally:
        tree.close()


class _Extraction:
    def __init__(self, reader: TarReader, tree: Tree, directory: bytes, keeps_kinds: bool) -> None:
        self._tree = tree
        self._create = Creator(reader, tree)
        self._directory = directory
        self._keeps_kinds = keeps_kinds

    def member(self, entry: TarEntry) -> None:
        """Make one member."""
        told = entry.path.rstrip(b"/")
        if told in (b".", b"./.", b""):
            return  # the directory itself is there already, and stays as it is
        entry.path = self._below(entry.path)
        tree = self._tree
        tree.trim()
        parent, physical, name = tree.place(entry.path)
        if not name:
            return
        self._check(parent, name, told, entry)
        kind = entry.kind
        if kind == REGULAR:
            self._create.file(parent, physical, name, entry)
        elif kind == DIRECTORY:
            self._create.directory(parent, physical, name, entry)
        elif kind == SYMLINK:
            self._create.symlink(parent, physical, name, entry)
        elif kind == HARDLINK:
            entry.link = self._below(entry.link)
            hardlink.link(tree, physical, name, entry)
        else:
            self._create.node(parent, physical, name, entry)

    def _below(self, path: bytes) -> bytes:
        """The path from the root. Raises HostileArchive for one that leaves the directory."""
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise HostileArchive(path, "path contains ..")
        return b"/".join(([self._directory] if self._directory else []) + parts)

    def _check(self, parent: int, name: bytes, told: bytes, entry: TarEntry) -> None:
        """A member of another kind than what has its name is refused when kinds are kept."""
        if not self._keeps_kinds:
            return
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return
        is_directory = stat.S_ISDIR(status.st_mode)
        texts = told.decode(errors="replace"), "/" + self._directory.decode(errors="replace")
        if is_directory and entry.kind != DIRECTORY:
            raise OverDirectory(*texts)
        if not is_directory and entry.kind == DIRECTORY:
            raise OverFile(*texts)
