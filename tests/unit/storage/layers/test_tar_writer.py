"""What the writer writes, the reader, Python's tarfile and a second run of the writer agree on."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.storage.layers.tar_entry import DIRECTORY, REGULAR, SYMLINK, TarEntry
from lading.storage.layers.tar_reader import TarReader
from lading.storage.layers.tar_writer import Shrunk, TarWriter

names = st.binary(min_size=1, max_size=200).filter(lambda n: b"\0" not in n and n[-1:] != b"/")


@st.composite
def entries(draw: st.DrawFn) -> TarEntry:
    kind = draw(st.sampled_from([REGULAR, DIRECTORY, SYMLINK, b"1", b"3", b"4", b"6"]))
    has_link = kind in (SYMLINK, b"1")
    xattrs = draw(st.dictionaries(names.filter(lambda n: b"=" not in n), st.binary(max_size=9)))
    return TarEntry(
        draw(names),
        kind,
        size=draw(st.integers(0, 2000)) if kind == REGULAR else 0,
        mode=draw(st.integers(0, 0o7777)),
        uid=draw(st.integers(0, 2**32 - 2)),
        gid=draw(st.integers(0, 2**32 - 2)),
        mtime_ns=draw(st.integers(-(2**60), 2**62)),
        link=draw(names) if has_link else b"",
        device=(draw(st.integers(0, 4095)), 7) if kind in (b"3", b"4") else (0, 0),
        xattrs=xattrs,
    )


def fields(entry: TarEntry) -> tuple[object, ...]:
    return tuple(getattr(entry, name) for name in TarEntry.__slots__ if name != "path")


def write(written: list[TarEntry]) -> bytes:
    buffer = io.BytesIO()
    writer = TarWriter(buffer.write)
    for entry in written:
        writer.add(entry, io.BytesIO(b"d" * entry.size))
    writer.close()
    return buffer.getvalue()


@given(st.lists(entries(), max_size=4))
def test_members_survive_a_round_trip(written: list[TarEntry]) -> None:
    reader = TarReader(io.BytesIO(write(written)))
    for entry in written:
        found = reader.next()
        assert found is not None
        assert found.path == entry.path + (b"/" if entry.kind == DIRECTORY else b"")
        assert fields(found) == fields(entry)
    assert reader.next() is None


@given(st.lists(entries(), max_size=3))
def test_the_same_members_give_the_same_bytes(written: list[TarEntry]) -> None:
    assert write(written) == write(written)


def test_tarfile_reads_what_is_written() -> None:
    entry = TarEntry("ä/é".encode() * 40, size=9 * 100, mode=0o4755, uid=3_000_000, mtime_ns=1500)
    with tarfile.open(fileobj=io.BytesIO(write([entry]))) as archive:
        [info] = archive.getmembers()
    assert info.name == "ä/é" * 40
    assert (info.size, info.mode, info.uid, info.mtime) == (900, 0o4755, 3_000_000, 1.5e-06)


def test_a_size_over_eight_gibibytes_goes_into_a_record() -> None:
    buffer = io.BytesIO()
    entry = TarEntry(b"big", size=9 << 30)
    with pytest.raises(Shrunk):
        TarWriter(buffer.write).add(entry, io.BytesIO(b"not that many"))
    found = TarReader(io.BytesIO(buffer.getvalue())).next()
    assert found is not None
    assert found.size == 9 << 30
