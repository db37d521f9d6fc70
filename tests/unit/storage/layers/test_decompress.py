"""Compression is found by magic, streams must be whole, bombs are refused."""

import bz2
import gzip
import io
import lzma
import random
import sys
import zlib
from collections.abc import Callable

import pytest
from backports import zstd

from lading.storage.layers.decompress import BadCompression, Chunks, open_compressed
from lading.storage.layers.limits import LimitExceeded, Limits
from lading.storage.layers.source import Hashing, Prefetch, Source

PLAIN = random.Random(1).randbytes(300_000) + bytes(500_000)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "none": bytes,
}


def read_all(source: Source, size: int = 100_000) -> bytes:
    pieces = []
    while piece := source.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces)


def unpack(packed: bytes, limits: Limits | None = None) -> bytes:
    return read_all(open_compressed(io.BytesIO(packed), limits or Limits()))


@pytest.mark.parametrize("name", PACKERS)
def test_the_magic_tells_the_compression(name: str) -> None:
    source = open_compressed(io.BytesIO(PACKERS[name](PLAIN)))
    assert source.compression == name
    assert read_all(source) == PLAIN


@pytest.mark.parametrize("name", PACKERS)
def test_tiny_chunks_make_no_difference(name: str) -> None:
    packed = PACKERS[name](PLAIN[-200_500:])
    chunks = Chunks(packed[i : i + 7] for i in range(0, len(packed), 7))
    assert read_all(open_compressed(chunks)) == PLAIN[-200_500:]


@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
def test_members_one_after_the_other_are_one_stream(name: str) -> None:
    pack = PACKERS[name]
    assert unpack(pack(b"one ") + pack(b"") + pack(b"two")) == b"one two"


@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
@pytest.mark.parametrize("missing", [1, 5, 1000])
def test_a_truncated_stream_is_refused(name: str, missing: int) -> None:
    with pytest.raises(BadCompression):
        unpack(PACKERS[name](PLAIN)[:-missing])


@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
def test_garbage_after_the_magic_is_refused(name: str) -> None:
    packed = PACKERS[name](PLAIN)
    with pytest.raises(BadCompression, match=f"invalid {name} data"):
        unpack(packed[:9] + b"\xa5" * 5000)


def test_a_damaged_gzip_stream_is_refused() -> None:
    packed = bytearray(gzip.compress(PLAIN))
    packed[-6] ^= 1  # the checksum
    with pytest.raises(BadCompression):
        unpack(bytes(packed))


def test_garbage_after_a_gzip_stream_is_refused_and_padding_is_not() -> None:
    packed = gzip.compress(b"data")
    assert unpack(packed + bytes(700)) == b"data"
    with pytest.raises(BadCompression):
        unpack(packed + b"garbage")


def test_skippable_zstd_frames_are_skipped() -> None:
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    assert unpack(skippable + zstd.compress(b"data") + skippable) == b"data"


def test_a_zstd_window_over_the_limit_is_refused() -> None:
    parameter = zstd.CompressionParameter
    options: dict[int, int] = {parameter.window_log: 28, parameter.compression_level: 1}
    compressor = zstd.ZstdCompressor(options=options)
    packed = compressor.compress(b"x" * 100_000) + compressor.flush()
    assert len(unpack(packed, Limits(zstd_window_log=28))) == 100_000
    with pytest.raises(BadCompression, match="invalid zstd data"):
        unpack(packed)


@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
def test_a_bomb_is_refused_before_it_is_unpacked(name: str) -> None:
    packed = PACKERS[name](bytes(20_000_000))
    limits = Limits(floor_bytes=1_000_000, ratio=10)
    source = open_compressed(io.BytesIO(packed), limits)
    counting = Hashing(source)
    with pytest.raises(LimitExceeded, match="size after decompression"):
        counting.drain()
    assert counting.size <= 1_000_000 + 10 * len(packed)


def test_gzip_works_without_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    packed = gzip.compress(PLAIN)
    source = open_compressed(io.BytesIO(packed * 2))
    assert read_all(source, 7777) == PLAIN * 2
    with pytest.raises(BadCompression):
        unpack(packed[:-3])
    with pytest.raises(BadCompression):
        unpack(packed[:5] + zlib.compress(b"x"))


def test_prefetch_gives_the_same_bytes_and_raises_what_the_source_raises() -> None:
    with Prefetch(io.BytesIO(PLAIN)) as source:
        hashing = Hashing(source)
        assert b"".join(iter(lambda: hashing.read(1), b"")) == PLAIN
        assert hashing.size == len(PLAIN)
    truncated = open_compressed(io.BytesIO(gzip.compress(PLAIN)[:-1]))
    with Prefetch(truncated) as source, pytest.raises(BadCompression):
        Hashing(source).drain()


def test_leaving_a_prefetch_early_stops_its_thread() -> None:
    with Prefetch(Chunks(b"x" for _ in range(10**9)), chunks=2) as source:
        assert source.read(1) == b"x"
