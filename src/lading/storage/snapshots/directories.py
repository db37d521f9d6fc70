"""What drivers that keep trees in directories have in common: where things are, and their life.

    <root>/layers/<n>/fs            published; numbers keep the mount's paths short
    <root>/active/<key>/fs          a container's writable layer
    <root>/staging/<key>/fs         a layer being unpacked
    <root>/trash/<name>             removed by a rename; deleted by `sweep`
    <root>/lock                     held by the one engine that works here

A directory becomes a layer by syncfs, rename, fsync of layers/, then the row. Whatever a kill
leaves in between has no row, and `recover` drops it. Names in containers' trees are never used
here; keys and numbers are ours.
"""

import errno
import os
import secrets
import threading
import time
from functools import partial
from sqlite3 import Connection

from lading.failpoints import fp
from lading.kernel import filesystem
from lading.state import Database
from lading.storage import durable, trees
from lading.storage.snapshots import places, quotas, store
from lading.storage.snapshots.driver import (
    Layer,
    Recovery,
    SnapshotExists,
    SnapshotNotFound,
)
from lading.storage.snapshots.places import checked, copy_attributes

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOT_MODE = 0o755


class DirectoryDriver:
    """Snapshots below one root. Opening takes the root's lock (RootInUse), `close` gives it
    back. A driver says how a writable layer begins (`_fill`) and how a layer is made final
    (`_merge`).
    """

    name = ""
    userxattr = False
    server = ""

    def __init__(self, root: str, database: Database) -> None:
        self.root = root
        self._database = database
        self._lock_fd = durable.lock_root(root)
        self._layers = os.path.join(root, "layers")
        self._active = os.path.join(root, "active")
        self._staging = os.path.join(root, "staging")
        self._trash = os.path.join(root, "trash")
        for directory in (self._layers, self._active, self._staging, self._trash):
            os.makedirs(directory, mode=0o700, exist_ok=True)
        try:
            places.claim(root, self.name, is_new=not os.listdir(self._layers))
        except BaseException:
            os.close(self._lock_fd)
            raise
        self._numbering = threading.Lock()
        self._last_number = max(map(int, os.listdir(self._layers)), default=0)
        self._sweeping = threading.Lock()
        self._has_trash = False  # since the sweeping that goes on looked

    def close(self) -> None:
        """Let another engine use the root."""
        os.close(self._lock_fd)

    def stage(self, key: str) -> str:
        """An empty directory to unpack a layer into. Raises SnapshotExists."""
        place = os.path.join(self._staging, checked(key))
        self._make(key, place)
        return os.path.join(place, "fs")

    def commit(
        self, key: str, chain_id: str, parent: str | None, *, inherit_root: bool = False
    ) -> None:
        """Publish what is under `key`; see driver.Driver."""
        place = self._place(key)
        if self.exists(chain_id):
            self.remove(key)
            return
        layer = self._seal(place, chain_id, parent, inherit_root)
        fp("snapshots.synced")
        number = os.path.dirname(os.path.join(self.root, layer.path))
        os.rename(place, number)
        try:
            durable.fsync_directory(self._layers)
            fp("snapshots.published")
            if not self._record(key, layer):
                self._discard(number)  # somebody published the same chain meanwhile
        except BaseException:
            self._discard(number)
            raise
        fp("snapshots.recorded")

    def prepare(
        self, key: str, parent: str | None, *, record: bool = True, size_bytes: int = 0
    ) -> None:
        """Make a writable layer; three mkdirs and no fsync."""
        lowers = self.layer_directories(parent)
        place = os.path.join(self._active, checked(key))
        self._make(key, place, size_bytes)
        try:
            self._fill(place, lowers)
            if size_bytes:
                self._limit_tree(place, size_bytes)
        except BaseException:
            self._discard(place)
            raise
        fp("snapshots.prepared")
        if record:
            now = time.time_ns()
            try:
                self._database.write_sync(lambda c: store.insert_active(c, key, parent, now))
            except BaseException:
                self._discard(place)
                raise

    def exists(self, chain_id: str) -> bool:
        """Whether the layer and all below it are published."""
        return self._database.read(lambda c: store.chain_paths(c, chain_id)) is not None

    def layers(self) -> list[Layer]:
        """Every published layer, in no order."""
        return self._database.read(store.layers)

    def layer_directories(self, chain_id: str | None) -> list[str]:
        """The trees of a chain, top first. Raises SnapshotNotFound."""
        if chain_id is None:
            return []
        paths = self._database.read(lambda c: store.chain_paths(c, chain_id))
        if paths is None:
            raise SnapshotNotFound(chain_id)
        return [f"{self.root}/{path}" for path in paths]

    def remove(self, key: str, *, record: bool = True) -> None:
        """Drop a staged or writable layer: the row goes first, then a rename into the trash."""
        checked(key)
        if record and self._database.read(lambda c: store.find_active(c, key)) is not None:
            self._database.write_sync(lambda c: store.delete_active(c, key))
        fp("snapshots.removing")
        for parent in (self._active, self._staging):
            self._discard(os.path.join(parent, key))
        fp("snapshots.removed")

    def remove_layer(self, chain_id: str) -> None:
        """Drop a published layer. Raises SnapshotInUse, SnapshotNotFound."""
        layer = self._database.write_sync(lambda c: store.remove_unused_layer(c, chain_id))
        fp("snapshots.layer-removing")
        self._discard(os.path.dirname(os.path.join(self.root, layer.path)))
        fp("snapshots.layer-removed")

    def sweep(self) -> list[str]:
        """Delete the trash; what resists stays there and is told. One thread does it at a time.

        Who comes while another sweeps leaves word, so that what it has just thrown away goes, too.
        """
        self._has_trash = True
        faults: list[str] = []
        while self._has_trash and self._sweeping.acquire(blocking=False):
            try:
                self._has_trash = False
                faults = self._sweep_once()
            finally:
                self._sweeping.release()
        return faults

    def _sweep_once(self) -> list[str]:
        trash = os.open(self._trash, _DIRECTORY)
        try:
            return [fault for name in os.listdir(trash) if (fault := self._sweep(trash, name))]
        finally:
            os.close(trash)

    def chain_bytes(self, key: str) -> int:
        """Bytes of the layers below a writable layer. Raises SnapshotNotFound."""
        parent = self._parent_of(key)
        return self._database.read(lambda c: store.chain_bytes(c, parent)) if parent else 0

    def usage(self, key: str) -> tuple[int, int]:
        """Bytes and inodes of a staged or writable layer, counted now. Raises SnapshotNotFound."""
        return _measure(os.path.join(self._place(key), "fs"))

    def recover(self) -> Recovery:
        """Bring directories and rows together; see driver.Recovery."""
        keys = self._database.read(store.active_keys)
        rows = {os.path.dirname(row.path): row for row in self._database.read(store.layers)}
        discarded = [f"staging/{name}" for name in os.listdir(self._staging)]
        discarded += [f"active/{name}" for name in set(os.listdir(self._active)).difference(keys)]
        numbers = {f"layers/{name}" for name in os.listdir(self._layers)}
        discarded += numbers.difference(rows)
        for place in discarded:
            self._discard(os.path.join(self.root, place))
        lost = [row.chain_id for place, row in rows.items() if place not in numbers]
        for chain_id in lost:
            self._database.write_sync(partial(store.delete_layer, chain_id=chain_id))
        missing = [key for key in keys if not os.path.isdir(os.path.join(self._active, key, "fs"))]
        return Recovery(sorted(discarded), sorted(missing), sorted(lost))

    def _make(self, key: str, place: str, size_bytes: int = 0) -> None:
        tree = os.path.join(place, "fs")
        try:
            with durable.disk_errors(key):
                os.mkdir(place, 0o700)
        except FileExistsError:
            raise SnapshotExists(key) from None
        try:
            with durable.disk_errors(key):
                if size_bytes:
                    self._limit_place(place, size_bytes)
                self._new_tree(tree)
        except BaseException:
            self._discard(place)
            raise
        os.chmod(tree, _ROOT_MODE)  # whatever the umask

    def _new_tree(self, path: str) -> None:
        os.mkdir(path, _ROOT_MODE)

    def _limit_place(self, place: str, size_bytes: int) -> None:
        """Bound what will be made in an empty directory. Raises NoQuota."""
        quotas.limit(place, size_bytes)

    def _limit_tree(self, place: str, size_bytes: int) -> None:
        """Bound a writable layer that is complete."""

    def _fill(self, place: str, lowers: list[str]) -> None:
        """Give a new writable layer what it needs."""
        raise NotImplementedError

    def _merge(self, place: str, lowers: list[str]) -> None:
        """Make the tree that is published of the one that was staged: it is that one."""

    def _parent_of(self, key: str) -> str | None:
        """What a writable layer stands on. Raises SnapshotNotFound."""
        checked(key)
        row = self._database.read(lambda c: store.find_active(c, key))
        if row is None:
            raise SnapshotNotFound(key)
        return row[0]

    def _place(self, key: str) -> str:
        """The directory of a key, staged or active. Raises SnapshotNotFound."""
        for parent in (self._staging, self._active):
            place = os.path.join(parent, checked(key))
            if os.path.isdir(place):
                return place
        raise SnapshotNotFound(key)

    def _seal(self, place: str, chain_id: str, parent: str | None, inherit_root: bool) -> Layer:
        """Make the tree final and durable; its row, with the number that it will be given."""
        lowers = self.layer_directories(parent)
        tree = os.path.join(place, "fs")
        if inherit_root and lowers:
            copy_attributes(lowers[0], tree)
        self._discard(os.path.join(place, "work"))
        size_bytes, inodes = _measure(tree)
        self._merge(place, lowers)
        descriptor = os.open(tree, _DIRECTORY)
        try:
            fp("snapshots.before-sync")
            with durable.disk_errors(chain_id):
                filesystem.syncfs(descriptor)
        finally:
            os.close(descriptor)
        path = f"layers/{self._next_number()}/fs"
        return Layer(chain_id, parent, path, size_bytes, inodes, time.time_ns())

    def _record(self, key: str, layer: Layer) -> bool:
        def publish(connection: Connection) -> bool:
            store.delete_active(connection, key)
            return store.insert_layer(connection, layer)

        return self._database.write_sync(publish)

    def _next_number(self) -> int:
        with self._numbering:
            self._last_number += 1
            return self._last_number

    def _sweep(self, trash: int, name: str) -> str | None:
        """Delete one tree of the trash; why not, if it holds a mount or is immutable."""
        try:
            trees.remove_tree(trash, name)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EBUSY, errno.EPERM, errno.ENOTEMPTY):
                raise
            return f"{name}: {error.strerror}"
        return None

    def _discard(self, place: str) -> None:
        """Move a directory of ours into the trash, if it exists; a bound of it is taken back."""
        if os.path.dirname(place) == self._active:
            quotas.release(place)
        try:
            os.rename(place, os.path.join(self._trash, secrets.token_hex(8)))
        except FileNotFoundError:
            return


def _measure(tree: str) -> tuple[int, int]:
    descriptor = os.open(tree, _DIRECTORY)
    try:
        return trees.measure(descriptor)
    finally:
        os.close(descriptor)
