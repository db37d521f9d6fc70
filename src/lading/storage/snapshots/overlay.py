"""The overlay driver: a layer is a directory, and overlayfs stacks them without a copy.

A container's `fs` is the upper directory of its mount, and beside it is the `work` directory that
overlayfs wants. What a container changed is what is in its upper directory.
"""

import os
from collections.abc import Callable

from lading.state import Database
from lading.storage.layers import whiteout, write_layer
from lading.storage.snapshots.directories import DirectoryDriver
from lading.storage.snapshots.driver import Overlay, SnapshotNotFound
from lading.storage.snapshots.places import checked, copy_attributes

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class OverlayDriver(DirectoryDriver):
    """Snapshots for mounts of overlayfs."""

    name = "overlay2"  # Docker's word for it
    userxattr = False

    def __init__(self, root: str, database: Database) -> None:
        super().__init__(root, database)
        whiteout.choose_marks(by_user_xattrs=self.userxattr, by_files=bool(self.server))

    def mount(self, key: str) -> Overlay:
        """The directories to mount. Raises SnapshotNotFound."""
        parent = self._parent_of(key)
        place = os.path.join(self._active, checked(key))
        if not os.path.isdir(place):
            raise SnapshotNotFound(key)
        lower = self.layer_directories(parent)
        upper, work = os.path.join(place, "fs"), os.path.join(place, "work")
        return Overlay(lower, upper, work, self.userxattr, self.server)

    def write_diff(
        self,
        key: str,
        write: Callable[[bytes], object],
        *,
        without: frozenset[bytes] = frozenset(),
    ) -> None:
        """A writable layer's own files as a layer's tar; see driver.Driver."""
        upper = os.open(os.path.join(self._place(key), "fs"), _DIRECTORY)
        try:
            write_layer(upper, write, without=without)
        finally:
            os.close(upper)

    def changes(self, key: str) -> list[tuple[bytes, bool | None]] | None:
        """None: the upper directory tells, see driver.Driver."""
        self._parent_of(key)
        return None

    def _fill(self, place: str, lowers: list[str]) -> None:
        """What a writable layer needs beside its empty tree."""
        os.mkdir(os.path.join(place, "work"), 0o700)
        if lowers:
            copy_attributes(lowers[0], os.path.join(place, "fs"))


class UserOverlayDriver(OverlayDriver):
    """The same for an engine that is not the host's root: it may not set trusted.* attributes, so
    overlayfs is told to keep its marks in user.* (option userxattr, since Linux 5.11).

    What one of the two drivers has made the other would misread.
    """

    name = "overlay2-userxattr"
    userxattr = True
