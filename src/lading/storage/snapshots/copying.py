"""Drivers without an overlay: every layer and every container has a whole tree of its own.

    native    the tree is copied; data is shared where the file system can (btrfs, xfs)
    btrfs     the tree is a subvolume, and a copy is a snapshot of it

A staged layer has overlayfs's marks, as unpacking makes them; when it is published it is laid over
a copy of its parent. So `layer_directories` of a chain is one merged tree, and `mount` gives one
directory to be bound. A container's changes are found by comparing two trees.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lading.kernel import btrfs
from lading.state import Database
from lading.storage import clone, durable
from lading.storage.layers import compare, merge
from lading.storage.snapshots.directories import DirectoryDriver
from lading.storage.snapshots.driver import Overlay
from lading.storage.snapshots.places import checked

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class NativeDriver(DirectoryDriver):
    """Copies of trees; works on every file system, and costs what copies cost."""

    name = "vfs"  # Docker's word for it

    def mount(self, key: str) -> Overlay:
        """One directory: the container's whole tree. Raises SnapshotNotFound."""
        self._parent_of(key)
        return Overlay([], os.path.join(self._place(key), "fs"), "")

    def layer_directories(self, chain_id: str | None) -> list[str]:
        """The merged tree of a chain. Raises SnapshotNotFound."""
        return super().layer_directories(chain_id)[:1]

    def write_diff(
        self,
        key: str,
        write: Callable[[bytes], object],
        *,
        without: frozenset[bytes] = frozenset(),
    ) -> None:
        """A container's changes as a layer's tar. Raises SnapshotNotFound."""
        with self._compared(key) as (lower, upper):
            compare.write_changes(lower, upper, write, without=without)

    def changes(self, key: str) -> list[tuple[bytes, bool | None]] | None:
        """What differs from the image: True added, False changed, None gone."""
        with self._compared(key) as (lower, upper):
            return compare.list_changes(lower, upper)

    def usage(self, key: str) -> tuple[int, int]:
        """Bytes and entries of what differs from the image; of a staged layer, of its tree."""
        if os.path.isdir(os.path.join(self._staging, checked(key))):
            return super().usage(key)
        with self._compared(key) as (lower, upper):
            return compare.measure_changes(lower, upper)

    @contextmanager
    def _compared(self, key: str) -> Iterator[tuple[int | None, int]]:
        below = self.layer_directories(self._parent_of(key))
        upper = os.open(os.path.join(self._place(key), "fs"), _DIRECTORY)
        try:
            lower = os.open(below[0], _DIRECTORY) if below else None
            try:
                yield lower, upper
            finally:
                if lower is not None:
                    os.close(lower)
        finally:
            os.close(upper)

    def _fill(self, place: str, lowers: list[str]) -> None:
        if lowers:
            self._copy(lowers[0], os.path.join(place, "fs"))

    def _merge(self, place: str, lowers: list[str]) -> None:
        """Lay the staged tree over a copy of its parent's."""
        if not lowers or os.path.dirname(place) != self._staging:
            return  # a container's tree is whole already
        tree, merged = os.path.join(place, "fs"), os.path.join(place, "merged")
        self._new_tree(merged)
        self._copy(lowers[0], merged)
        with _opened(tree) as upper, _opened(merged) as target:
            merge.merge(upper, target)
        own = os.path.join(place, "own")
        os.rename(tree, own)
        os.rename(merged, tree)
        self._discard(own)

    def _copy(self, source: str, target: str) -> None:
        """Fill an empty tree with the contents of another. Raises DiskFull."""
        with durable.disk_errors(target), _opened(source) as origin, _opened(target) as copy:
            clone.copy_tree(origin, copy)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class BtrfsDriver(NativeDriver):
    """Subvolumes and snapshots; the root must be on btrfs."""

    name = "btrfs"

    def __init__(self, root: str, database: Database) -> None:
        os.makedirs(root, mode=0o710, exist_ok=True)
        if not btrfs.is_btrfs(root):
            raise btrfs.NotBtrfs(root)
        super().__init__(root, database)

    def _new_tree(self, path: str) -> None:
        btrfs.create_subvolume(path)

    def _limit_place(self, place: str, size_bytes: int) -> None:
        """The bound is on the subvolume, which is not there yet."""

    def _limit_tree(self, place: str, size_bytes: int) -> None:
        btrfs.limit_subvolume(os.path.join(place, "fs"), size_bytes)

    def _copy(self, source: str, target: str) -> None:
        """The empty subvolume at `target` makes way for a snapshot of `source`."""
        os.rmdir(target)
        with durable.disk_errors(target):
            btrfs.create_snapshot(source, target)

    def _sweep(self, trash: int, name: str) -> str | None:
        """Whole subvolumes go at once; what is left goes as any tree does."""
        btrfs.delete_subvolumes(os.path.join(self._trash, name))
        return super()._sweep(trash, name)
