"""What a snapshot driver does, and the life of a snapshot.

Two names: a `chain_id` (OCI image-spec, config.md#layer-chainid) names a published layer on top of
all layers below it; a `key` names something unfinished or private: a layer being unpacked (the
caller's choice), or a container's writable layer (the container's id).

    stage(key) -> directory --unpack--> commit(key, chain_id, parent)      a layer comes to be
                        \\--failure--> remove(key)
    prepare(key, parent) -> mount(key) -> Overlay ... -> remove(key)       a container's own layer
                        \\--commit(key, chain_id, parent)                  becomes an image layer
    remove_layer(chain_id)                                                 nobody needs it any more
    sweep()                                                                deletes what was removed

Example. An image of two layers, and a container:
    directory = driver.stage("pull-1"); apply_layer(..., directory)
    driver.commit("pull-1", chain_1, None)
    driver.stage("pull-2") ...; driver.commit("pull-2", chain_2, chain_1)
    driver.prepare(container_id, chain_2); driver.mount(container_id)

Promises, kept by every driver and checked by tests/contract/snapshots:
- what `commit` returned from survives a power cut, with all that is below it;
- a published layer never changes;
- `prepare`, `mount` and `remove` cost milliseconds whatever the size of the trees (of drivers that
  copy trees: `prepare` costs the copy);
- after a kill at any instant, `recover` leaves each snapshot either there or gone.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from lading import errors


class SnapshotNotFound(errors.NotFound):
    """no such snapshot: {0}"""


class SnapshotExists(errors.Conflict):
    """snapshot already exists: {0}"""


class SnapshotInUse(errors.Conflict):
    """snapshot {0} is in use by {1}"""


class NoQuota(errors.SystemFault):
    """--storage-opt is supported only for overlay over xfs with 'pquota' mount option"""

    # dockerd's words, which name only one of the file systems


class Overlay(NamedTuple):
    """The directories of an overlay mount, as absolute paths.

    Mount with redirect_dir, metacopy and index off, so that `upper` alone says what changed.
    """

    lower: list[str]  # top first; empty for a container without an image
    upper: str
    work: str
    userxattr: bool = False  # the mount option: overlayfs's marks are attributes user.overlay.*
    server: str = ""  # path of fuse-overlayfs, if that is to serve it instead of the kernel


class Layer(NamedTuple):
    """A published layer; `path` is the driver's own, sizes are of this layer alone."""

    chain_id: str
    parent: str | None
    path: str
    size_bytes: int
    inodes: int
    created_ns: int


class Recovery(NamedTuple):
    """What `recover` found at start."""

    discarded: list[str]  # directories that no row names: unfinished work, now in the trash
    missing_keys: list[str]  # writable layers whose directory is gone; their rows remain
    missing_layers: list[str]  # chain ids whose directory is gone; their rows were removed


class Driver(Protocol):
    """Synchronous; called from worker threads, different keys at the same time."""

    @property
    def name(self) -> str:
        """What `docker info` calls the storage driver."""
        ...

    @property
    def server(self) -> str:
        """Path of the program that serves what is to be mounted; "" where the kernel does."""
        ...

    @property
    def userxattr(self) -> bool:
        """How overlayfs is to be told to keep its marks; see Overlay."""
        ...

    def stage(self, key: str) -> str:
        """An empty directory to unpack a layer into. Raises SnapshotExists."""
        ...

    def commit(
        self, key: str, chain_id: str, parent: str | None, *, inherit_root: bool = False
    ) -> None:
        """Publish what was staged or written under `key` as `chain_id` on top of `parent`.

        Durable when it returns. If the chain id is there already, this copy is dropped.
        `inherit_root`: the archive had no entry for the root directory, so it looks like parent's.
        Raises SnapshotNotFound (the key, the parent), DiskFull.
        """
        ...

    def prepare(
        self, key: str, parent: str | None, *, record: bool = True, size_bytes: int = 0
    ) -> None:
        """Make a writable layer on top of `parent`; with `size_bytes` it can hold no more.

        With record=False the caller writes the row in a transaction of its own
        (store.insert_active). Raises SnapshotExists, SnapshotNotFound, NoQuota.
        """
        ...

    def mount(self, key: str) -> Overlay:
        """The directories to mount. Raises SnapshotNotFound."""
        ...

    def exists(self, chain_id: str) -> bool:
        """Whether the layer and all below it are published."""
        ...

    def layers(self) -> list[Layer]:
        """Every published layer, in no order."""
        ...

    def layer_directories(self, chain_id: str | None) -> list[str]:
        """The trees of a chain, top first; [] for None. Raises SnapshotNotFound."""
        ...

    def remove(self, key: str, *, record: bool = True) -> None:
        """Drop a staged or writable layer; what is not there is no error."""
        ...

    def remove_layer(self, chain_id: str) -> None:
        """Drop a published layer. Raises SnapshotInUse, SnapshotNotFound."""
        ...

    def sweep(self) -> list[str]:
        """Delete what was dropped; returns what could not be deleted yet, with the reason."""
        ...

    def usage(self, key: str) -> tuple[int, int]:
        """Bytes and inodes of a writable layer, counted now. Raises SnapshotNotFound."""
        ...

    def chain_bytes(self, key: str) -> int:
        """Bytes of the layers below a writable layer. Raises SnapshotNotFound."""
        ...

    def write_diff(
        self,
        key: str,
        write: Callable[[bytes], object],
        *,
        without: frozenset[bytes] = frozenset(),
    ) -> None:
        """Write what a writable layer changes on its parent, as a layer's tar.

        `without`: paths ("etc/hosts") that are left out. Nothing may change in it meanwhile.
        Raises SnapshotNotFound.
        """
        ...

    def changes(self, key: str) -> list[tuple[bytes, bool | None]] | None:
        """Paths that a writable layer changes on its parent: True added, False changed, None gone.

        No list but None when that can be read off the directory `upper`: overlayfs keeps only what
        differs. Raises SnapshotNotFound.
        """
        ...

    def close(self) -> None:
        """Let another engine use the root."""
        ...

    def recover(self) -> Recovery:
        """Bring directories and rows together after a start; nothing else may run yet."""
        ...
