"""What is in the layers of an image: files of each, and bytes that are carried in vain.

The blobs are read, not the snapshots: so it is the same with every storage driver, and what a
layer removes is seen. A tree of names follows the layers upwards; bytes of a file that an upper
layer replaces or removes are wasted, for every pull carries them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from lading.images.image import Image
from lading.images.stores import Stores
from lading.oci import manifest as manifests
from lading.oci.manifest import Descriptor, Manifest
from lading.storage.layers import TarReader, open_compressed, whiteout
from lading.storage.layers.tar_entry import DIRECTORY, HARDLINK, REGULAR, SYMLINK

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
_KINDS = {REGULAR: "file", DIRECTORY: "directory", SYMLINK: "link", HARDLINK: "hardlink"}


class Member(NamedTuple):
    """What matters of an entry of a layer's archive."""

    path: bytes
    kind: bytes
    size: int


class File(NamedTuple):
    """A name in a layer; a removed one has the bytes that it had below."""

    path: str
    kind: str  # file, directory, link, hardlink or special
    size: int
    change: str


class Layer(NamedTuple):
    """What one layer brings, and the bytes of layers below that nobody sees because of it."""

    files: Sequence[File]
    size: int
    wasted: int

    def number(self, change: str) -> int:
        """How many names it has added, changed or removed."""
        return sum(file.change == change for file in self.files)


class Source(NamedTuple):
    """Where a layer comes from."""

    blob: Descriptor
    diff_id: str
    created_by: str


class Waste(NamedTuple):
    """A path whose bytes are carried in vain: how often, how many in all."""

    path: str
    times: int
    size: int


class Exploration(NamedTuple):
    """An image: its layers, lowest first, and what is wasted, the largest first."""

    layers: Sequence[tuple[Source, Layer]]
    waste: Sequence[Waste]

    @property
    def size(self) -> int:
        """Bytes of the files of all layers."""
        return sum(layer.size for _, layer in self.layers)

    @property
    def wasted(self) -> int:
        """Those of them that nobody sees."""
        return sum(layer.wasted for _, layer in self.layers)


def explore(stores: Stores, image: Image, check: Callable[[], None]) -> Exploration:
    """Read every layer of an image. Blocks as long as decompressing it takes.

    `check` is called for each file, and may raise. Raises BlobNotFound, BadTar, BadCompression.
    """
    data = stores.content.read_bytes(image.manifest_digest, manifests.MANIFEST_LIMIT)
    manifest = manifests.parse(data)
    assert isinstance(manifest, Manifest)
    steps = [step for step in image.config.history or () if not step.empty_layer]
    tree, found = Tree(), []
    for position, blob in enumerate(manifest.layers):
        created_by = steps[position].created_by if position < len(steps) else ""
        source = Source(blob, image.config.diff_ids[position], created_by)
        found.append((source, tree.add(_members(stores, blob, check))))
    return Exploration(found, tree.waste())


def _members(stores: Stores, blob: Descriptor, check: Callable[[], None]) -> Iterator[Member]:
    with open(stores.content.open(blob.digest), "rb", buffering=0) as file:
        reader = TarReader(open_compressed(file))
        while (entry := reader.next()) is not None:
            check()
            yield Member(entry.path, entry.kind, entry.size)


class _Node:
    """A name in the merged tree; directories have children."""

    __slots__ = ("children", "kind", "layer", "size")

    def __init__(self, kind: str, size: int, layer: int) -> None:
        self.kind = kind
        self.size = size
        self.layer = layer
        self.children: dict[bytes, _Node] = {}


class Tree:
    """The merged tree, as the layers that were added make it."""

    def __init__(self) -> None:
        self._root = _Node("directory", 0, 0)
        self._layer = 0
        self._files: list[File] = []
        self._size = self._wasted = 0
        self._waste: dict[str, tuple[int, int]] = {}

    def add(self, members: Iterable[Member]) -> Layer:
        """Lay a layer over what is there."""
        self._layer += 1
        self._files, self._size, self._wasted = [], 0, 0
        for member in members:
            parts = [part for part in member.path.split(b"/") if part not in (b"", b".")]
            if parts:
                self._lay(parts, member)
        return Layer(self._files, self._size, self._wasted)

    def waste(self) -> list[Waste]:
        """What is carried in vain, the largest first."""
        rows = [Waste(path, count, size) for path, (count, size) in self._waste.items()]
        return sorted(rows, key=lambda row: (-row.size, row.path))

    def _lay(self, parts: list[bytes], member: Member) -> None:
        kind, hidden = whiteout.classify(member.path)
        parent = self._parent(parts)
        if kind is whiteout.Kind.WHITEOUT:
            self._remove(parent, parts[:-1], hidden)
        elif kind is whiteout.Kind.OPAQUE:
            self._hide(parent, parts[:-1])
        elif kind is whiteout.Kind.NONE:
            self._put(parent, parts, member)

    def _parent(self, parts: list[bytes]) -> _Node:
        node = self._root
        for part in parts[:-1]:
            below = node.children.get(part)
            if below is None:
                below = node.children[part] = _Node("directory", 0, self._layer)
            node = below
        return node

    def _put(self, parent: _Node, parts: list[bytes], member: Member) -> None:
        name, path = parts[-1], _text(parts)
        before = parent.children.get(name)
        kind = _KINDS.get(member.kind, "special")
        size = member.size if kind == "file" else 0
        self._size += size
        self._files.append(File(path, kind, size, CHANGED if before else ADDED))
        if before is not None and before.kind == kind == "directory":
            return
        if before is not None:
            self._lose(before, path)
        parent.children[name] = _Node(kind, size, self._layer)

    def _remove(self, parent: _Node, parts: list[bytes], name: bytes) -> None:
        """A whiteout hides what is below, not what its own layer has."""
        node = parent.children.get(name)
        if node is None or node.layer == self._layer:
            return
        del parent.children[name]
        path = _text([*parts, name])
        size = self._lose(node, path)
        self._files.append(File(path, node.kind, size, REMOVED))

    def _hide(self, parent: _Node, parts: list[bytes]) -> None:
        """Remove what lower layers have in a directory, wherever in the archive its marker is."""
        for name, node in list(parent.children.items()):
            if any(child.layer == self._layer for child in node.children.values()):
                self._hide(node, [*parts, name])
            else:
                self._remove(parent, parts, name)

    def _lose(self, node: _Node, path: str) -> int:
        """Count the bytes of a node and of all below it as wasted; returns them."""
        lost, pending = 0, [(node, path)]
        while pending:
            each, where = pending.pop()
            if each.size:
                count, size = self._waste.get(where, (0, 0))
                self._waste[where] = count + 1, size + each.size
                lost += each.size
            pending += [(c, f"{where}/{_text([name])}") for name, c in each.children.items()]
        self._wasted += lost
        return lost


def _text(parts: list[bytes]) -> str:
    return b"/".join(parts).decode(errors="backslashreplace")
