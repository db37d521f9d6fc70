"""Writing a backup: manifest, volumes, digest, through zstd. For a worker thread."""

import importlib
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Protocol, cast

from lading.engine.backups import form
from lading.engine.backups.form import Digest, HashingWriter, Manifest
from lading.storage.layers import TarEntry, TarWriter
from lading.volumes.copies import add_directory

LEVEL = 3  # what the zstd command takes by default


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class Packer:
    """Takes plain bytes, passes their zstd form on; with a checksum of its own in each frame."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        try:
            zstd = importlib.import_module("compression.zstd")  # the standard library's, from 3.14
        except ImportError:
            zstd = importlib.import_module("backports.zstd")
        parameter = zstd.CompressionParameter
        options = {parameter.compression_level: LEVEL, parameter.checksum_flag: 1}
        self._compressor = cast("_Compressor", zstd.ZstdCompressor(options=options))
        self._write = write

    def write(self, data: bytes) -> None:
        """Take some bytes."""
        if packed := self._compressor.compress(data):
            self._write(packed)

    def close(self) -> None:
        """Pass the rest on."""
        self._write(self._compressor.flush())


class _Counting(TarWriter):
    """Knows how many members there are."""

    count = 0

    def _begin(self, *arguments: object) -> None:
        self.count += 1
        super()._begin(*arguments)  # type: ignore[arg-type]


def write_backup(
    manifest: Manifest, paths: Sequence[str], write: Callable[[bytes], object]
) -> None:
    """`paths` are where the manifest's volumes are, in their order. Raises OSError."""
    packer = Packer(write)
    hashing = HashingWriter(packer.write)
    writer = _Counting(hashing.write)
    _add(writer, form.MANIFEST, form.encode(manifest))
    for volume, path in zip(manifest.volumes, paths, strict=True):
        add_directory(writer, path, volume.directory.encode())
    digest = Digest(hashing.hexdigest(), writer.count)
    _add(writer, form.DIGEST, form.encode(digest))
    writer.close()
    packer.close()


def _add(writer: TarWriter, name: bytes, data: bytes) -> None:
    writer.add(TarEntry(name, size=len(data), mode=0o600), BytesIO(data))
