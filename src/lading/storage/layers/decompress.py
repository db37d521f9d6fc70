"""Decompression by what the bytes are, never by what a media type says they are.

    1f 8b          gzip, any number of members (RFC 1952)       isal, or zlib where there is none
    28 b5 2f fd    zstd, any number of frames, also skippable ones 5x 2a 4d 18 (RFC 8878)
    fd 37 7a 58 5a 00   xz              42 5a 68   bzip2        anything else is passed on as it is

A stream that ends early is an error: a truncated layer never looks complete. What comes out is
bound to what went in (limits.py), so a bomb is refused after its first gigabyte.
"""

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from lading import errors
from lading.storage.layers.limits import DEFAULT, LimitExceeded, Limits
from lading.storage.layers.source import CHUNK_BYTES, Source

INPUT_BYTES = 128 * 1024
_MAGIC_BYTES = 6


class BadCompression(errors.InvalidArgument):
    """invalid {0} data: {1}"""


class _Codec(Protocol):
    """The interface that bz2, lzma, isal and zstd share; one object per member or frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """zlib's decompressor in the shape of the others."""

    def __init__(self) -> None:
        self._codec = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16: a gzip wrapper

    @property
    def eof(self) -> bool:
        return self._codec.eof

    @property
    def needs_input(self) -> bool:
        return not self._codec.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._codec.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._codec.decompress(self._codec.unconsumed_tail + data, max_length)


class Decompressor:
    """A source of decompressed bytes over a source of compressed ones."""

    def __init__(
        self,
        name: str,
        new_codec: Callable[[], _Codec],
        source: Source,
        head: bytes,
        limits: Limits,
        failures: tuple[type[Exception], ...],
    ) -> None:
        self.compression = name
        self._new_codec = new_codec
        self._codec = new_codec()
        self._source = source
        self._pending = head
        self._limits = limits
        self._failures: tuple[type[Exception], ...] = (*failures, EOFError)
        self._read = len(head)
        self._written = 0
        self._between = False  # a member ended, the next has not begun
        self._finished = False

    def read(self, size: int, /) -> bytes:
        """Raises BadCompression, LimitExceeded."""
        while not self._finished:
            if self._between and not self._next_member():
                break
            try:
                data = self._codec.decompress(self._input(), size)
            except self._failures as error:
                raise BadCompression(self.compression, error) from error
            if self._codec.eof:
                self._between = True
                self._pending = self._codec.unused_data
            if data:
                self._count(len(data))
                return data
        self._finished = True
        return b""

    def _input(self) -> bytes:
        if self._pending or not self._codec.needs_input:
            data, self._pending = self._pending, b""
            return data
        data = self._pull()
        if not data:
            raise BadCompression(self.compression, "unexpected end of data")
        return data

    def _next_member(self) -> bool:
        """Begin the member that follows, if one does; zero bytes between and after are padding."""
        self._pending = self._pending.lstrip(b"\0")
        while not self._pending:
            data = self._pull()
            if not data:
                return False
            self._pending = data.lstrip(b"\0")
        self._codec = self._new_codec()
        self._between = False
        return True

    def _pull(self) -> bytes:
        data = self._source.read(INPUT_BYTES)
        self._read += len(data)
        return data

    def _count(self, size: int) -> None:
        self._written += size
        allowed = self._limits.floor_bytes + self._limits.ratio * self._read
        if self._written > allowed:
            raise LimitExceeded("the size after decompression", f"{allowed} bytes")


class _Plain:
    """Bytes that are not compressed: the head that was looked at, then the rest."""

    compression = "none"

    def __init__(self, source: Source, head: bytes) -> None:
        self._source = source
        self._head = head

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._source.read(size)


class Chunks:
    """A source over an iterable of chunks (a response body, a test's list)."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)


def open_compressed(source: Source, limits: Limits = DEFAULT) -> Decompressor | _Plain:
    """A source of the plain bytes; its `compression` is gzip, zstd, xz, bzip2 or none."""
    head = b""
    while len(head) < _MAGIC_BYTES and (data := source.read(INPUT_BYTES)):
        head += data
    for name, is_magic, codec in _CODECS:
        if is_magic(head):
            new_codec, failures = codec(limits)
            return Decompressor(name, new_codec, source, head, limits, failures)
    return _Plain(source, head)


def _gzip(_: Limits) -> tuple[Callable[[], _Codec], tuple[type[Exception], ...]]:
    try:
        isal = importlib.import_module("isal.igzip_lib")
    except ImportError:  # no wheel for this machine
        return _Zlib, (zlib.error,)
    new_codec = isal.IgzipDecompressor
    return lambda: cast("_Codec", new_codec(isal.DECOMP_GZIP)), (isal.error,)


def _zstd(limits: Limits) -> tuple[Callable[[], _Codec], tuple[type[Exception], ...]]:
    try:
        zstd = importlib.import_module("compression.zstd")  # the standard library's, from 3.14
    except ImportError:
        zstd = importlib.import_module("backports.zstd")
    options = {zstd.DecompressionParameter.window_log_max: limits.zstd_window_log}
    return lambda: cast("_Codec", zstd.ZstdDecompressor(options=options)), (zstd.ZstdError,)


def _xz(limits: Limits) -> tuple[Callable[[], _Codec], tuple[type[Exception], ...]]:
    memory = limits.xz_memory_bytes
    return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory), (lzma.LZMAError,)


def _bzip2(_: Limits) -> tuple[Callable[[], _Codec], tuple[type[Exception], ...]]:
    return bz2.BZ2Decompressor, (OSError, ValueError)


def _is_zstd(head: bytes) -> bool:
    skippable = head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50
    return head[:4] == b"\x28\xb5\x2f\xfd" or skippable


_CODECS = (
    ("gzip", lambda head: head[:2] == b"\x1f\x8b", _gzip),
    ("zstd", _is_zstd, _zstd),
    ("xz", lambda head: head[:6] == b"\xfd7zXZ\0", _xz),
    ("bzip2", lambda head: head[:3] == b"BZh", _bzip2),
)

__all__ = ["CHUNK_BYTES", "BadCompression", "Chunks", "Decompressor", "open_compressed"]
