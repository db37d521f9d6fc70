"""Where volumes are on the disk: made, filled and removed so that a crash leaves all or nothing.

    DATA/volumes/NAME/_data        the content
    DATA/volumes/NAME/filling      a copy into the volume that goes on; garbage after a crash
    DATA/volumes/NAME/filled       a copy that is complete and has only to be moved into `_data`
    DATA/volumes/.trash/XX         what was removed; no volume's name begins with a point

A copy into a volume is made beside it first. The rename from `filling` to `filled` is the instant
from which it holds: a crash later, the next engine moves the rest. So a volume is either as it was
or has everything, though others may be at work in it meanwhile.
"""

import contextlib
import errno
import os
import secrets
import threading
from collections.abc import Callable

from lading.failpoints import fp
from lading.kernel import filesystem
from lading.storage import trees
from lading.storage.durable import disk_errors, fsync_directory
from lading.storage.layers import attributes
from lading.volumes.drivers.local_options import Owner

DATA, FILLING, FILLED, TRASH = "_data", "filling", "filled", ".trash"
COPYING = ".lading-copy"  # in a mounted file system, while it is filled
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Directories:
    """The directories of one engine's local volumes. Synchronous, for worker threads."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._sweeping = threading.Lock()  # two at once would find half of each other's work

    def open(self, known: set[str]) -> None:
        """Finish or undo what a crash has left; `known` are the names that have a row."""
        os.makedirs(f"{self.root}/{TRASH}", mode=0o700, exist_ok=True)
        os.chmod(self.root, 0o701)
        for name in self.names():
            if name in known:
                self.settle(name)
            else:
                self.discard(name)
        self.sweep()

    def names(self) -> list[str]:
        """What has a directory, with or without a row; work under way has names with a point."""
        return [name for name in os.listdir(self.root) if name != TRASH]

    def path(self, name: str) -> str:
        """Where the content is."""
        return f"{self.root}/{name}/{DATA}"

    def make(self, name: str, owner: Owner) -> None:
        """An empty volume; one that is there already stays as it is. Raises DiskFull."""
        with disk_errors(name):
            with contextlib.suppress(FileExistsError):
                os.mkdir(f"{self.root}/{name}", 0o701)
            with contextlib.suppress(FileExistsError):
                os.mkdir(self.path(name), 0o755)
            if owner.is_asked:
                self.give(name, owner)
            fsync_directory(f"{self.root}/{name}")
            fsync_directory(self.root)
        fp("volume.after-directory")

    def give(self, name: str, owner: Owner) -> None:
        """Set the owner and mode of the volume's own directory."""
        uid = -1 if owner.uid is None else owner.uid
        gid = -1 if owner.gid is None else owner.gid
        os.chown(self.path(name), uid, gid)
        if owner.mode is not None:
            os.chmod(self.path(name), owner.mode)

    def discard(self, name: str) -> None:
        """Put the directory where `sweep` deletes it; one that is gone is no error."""
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{self.root}/{name}", f"{self.root}/{TRASH}/{secrets.token_hex(8)}")
        fp("volume.after-discard")

    def rename(self, earlier: str, name: str) -> None:
        """Move a volume's directory. Raises FileExistsError when the name has one that is used."""
        with disk_errors(name):
            os.rename(f"{self.root}/{earlier}", f"{self.root}/{name}")
            fsync_directory(self.root)

    def finish_rename(self, earlier: str, name: str) -> None:
        """After a crash in a rename: move the directory if that was not done."""
        if not os.path.exists(f"{self.root}/{name}"):
            with contextlib.suppress(FileNotFoundError):
                self.rename(earlier, name)

    def sweep(self) -> list[str]:
        """Delete what was discarded; returns what could not be deleted yet, with the reason."""
        with self._sweeping:
            return self._sweep()

    def _sweep(self) -> list[str]:
        left = []
        trash = os.open(f"{self.root}/{TRASH}", _DIRECTORY)
        try:
            for name in os.listdir(trash):
                try:
                    trees.remove_tree(trash, name)
                except OSError as error:
                    left.append(f"{name}: {error}")
        finally:
            os.close(trash)
        return left

    # --- filling ------------------------------------------------------------------------------

    def is_empty(self, name: str) -> bool:
        """Whether nothing is in the volume."""
        with os.scandir(self.path(name)) as entries:
            return next(entries, None) is None

    def fill(self, name: str, copy: Callable[[int], bool]) -> None:
        """Let `copy` fill a directory (descriptor), and then move all of it into the volume.

        What `copy` made replaces what has its name; other things stay. The volume's own directory
        takes the attributes of the filled one. When `copy` returns False nothing happens.
        """
        place = f"{self.root}/{name}"
        self._drop(place, FILLING)
        with disk_errors(name):
            os.mkdir(f"{place}/{FILLING}", 0o700)
            target = os.open(f"{place}/{FILLING}", _DIRECTORY)
            try:
                is_filled = copy(target)
                if is_filled:
                    fp("volume.before-sync")
                    filesystem.syncfs(target)
            except BaseException:
                os.close(target)
                self._drop(place, FILLING)
                raise
            os.close(target)
            if not is_filled:
                self._drop(place, FILLING)
                return
            os.rename(f"{place}/{FILLING}", f"{place}/{FILLED}")
            fsync_directory(place)
        fp("volume.filled")
        self.settle(name)

    def adopt(self, name: str, place: str) -> None:
        """Fill the volume with a directory that is complete, on the same disk; it is gone then."""
        with disk_errors(name):
            directory = os.open(place, _DIRECTORY)
            try:
                filesystem.syncfs(directory)
            finally:
                os.close(directory)
            os.rename(place, f"{self.root}/{name}/{FILLED}")
            fsync_directory(f"{self.root}/{name}")
        fp("volume.filled")
        self.settle(name)

    def drop(self, place: str) -> None:
        """Delete a directory of ours beside the volumes; one that is gone is no error."""
        with contextlib.suppress(FileNotFoundError):
            os.rename(place, f"{self.root}/{TRASH}/{secrets.token_hex(8)}")
        self.sweep()

    def settle(self, name: str) -> None:
        """Move in what a copy has made; drop what it had not finished."""
        place = f"{self.root}/{name}"
        self._drop(place, FILLING)
        try:
            source = os.open(f"{place}/{FILLED}", _DIRECTORY)
        except FileNotFoundError:
            return
        try:
            status = os.fstat(source)  # of before: what follows changes its time
            target = os.open(f"{place}/{DATA}", _DIRECTORY)
            try:
                for entry in sorted(os.listdir(source)):
                    _move(source, target, entry)
                    fp("volume.moved")
                attributes.copy_from(source, status, target)
                os.fsync(target)
            finally:
                os.close(target)
        finally:
            os.close(source)
        os.rmdir(f"{place}/{FILLED}")
        fp("volume.settled")

    def _drop(self, place: str, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{place}/{name}", f"{self.root}/{TRASH}/{secrets.token_hex(8)}")
            self.sweep()

    # --- looking ------------------------------------------------------------------------------

    def size(self, name: str) -> int:
        """Bytes of the volume's files, counted now; each hard link counts once."""
        try:
            directory = os.open(self.path(name), _DIRECTORY)
        except FileNotFoundError:
            return 0
        try:
            return trees.measure(directory)[0]
        finally:
            os.close(directory)


def fill_mounted(path: str, copy: Callable[[int], bool]) -> bool:
    """Fill the root of a mounted file system, if nothing is in it; whether it was filled.

    A copy that a crash has interrupted is begun anew: it lies in a directory of its own until all
    of it is there. Raises OSError.
    """
    root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        present = os.listdir(root)
        if set(present) - {COPYING}:
            return False
        if present:
            trees.remove_tree(root, COPYING)
        os.mkdir(COPYING, 0o700, dir_fd=root)
        source = os.open(COPYING, _DIRECTORY, dir_fd=root)
        try:
            is_filled = copy(source)
            status = os.fstat(source)
            fp("volume.copied")
            for entry in sorted(os.listdir(source)):
                _move(source, root, entry)
            if is_filled:
                attributes.copy_from(source, status, root)
        finally:
            os.close(source)
            trees.remove_tree(root, COPYING)
        return is_filled
    finally:
        os.close(root)


def _move(source: int, target: int, entry: str) -> None:
    """Move one entry; a directory over a directory with content gets what is in it instead."""
    try:
        os.rename(entry, entry, src_dir_fd=source, dst_dir_fd=target)
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR):
            raise
    trees.remove_tree(target, entry)  # another kind, or not empty: the new one replaces it
    os.rename(entry, entry, src_dir_fd=source, dst_dir_fd=target)
