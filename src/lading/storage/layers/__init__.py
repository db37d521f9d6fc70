"""A layer is a tar stream; here it becomes a tree, and a tree becomes a tar stream again.

`decompress` (by magic) feeds `tar_reader`, which feeds `apply`; `diff` feeds `tar_writer`. Beside
layers, `extract` and `export` move plain trees in and out of containers.
"""

from lading.storage.layers.apply import Applied, HostileArchive, apply_layer
from lading.storage.layers.decompress import BadCompression, Decompressor, open_compressed
from lading.storage.layers.diff import write_layer
from lading.storage.layers.export import add_tree, write_tree
from lading.storage.layers.extract import extract
from lading.storage.layers.ids import Ids
from lading.storage.layers.limits import LimitExceeded, Limits
from lading.storage.layers.source import Hashing, Prefetch, Source
from lading.storage.layers.tar_entry import TarEntry
from lading.storage.layers.tar_header import BadTar
from lading.storage.layers.tar_reader import TarReader
from lading.storage.layers.tar_writer import TarWriter
from lading.storage.layers.unpack_tree import TreeUnpacker, unpack_tree

__all__ = [
    "Applied",
    "BadCompression",
    "BadTar",
    "Decompressor",
    "Hashing",
    "HostileArchive",
    "Ids",
    "LimitExceeded",
    "Limits",
    "Prefetch",
    "Source",
    "TarEntry",
    "TarReader",
    "TarWriter",
    "TreeUnpacker",
    "add_tree",
    "apply_layer",
    "extract",
    "open_compressed",
    "unpack_tree",
    "write_layer",
    "write_tree",
]
