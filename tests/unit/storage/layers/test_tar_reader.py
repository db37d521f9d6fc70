"""The reader agrees with Python's tarfile and with GNU tar, and never misreads garbage."""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading import errors
from lading.storage.layers import pax
from lading.storage.layers.decompress import Chunks
from lading.storage.layers.limits import LimitExceeded, Limits
from lading.storage.layers.tar_entry import DIRECTORY, REGULAR, TarEntry
from lading.storage.layers.tar_header import BadTar, encode, number
from lading.storage.layers.tar_reader import TarReader

END = bytes(1024)


def read(archive: bytes, limits: Limits | None = None) -> Iterator[tuple[TarEntry, bytes]]:
    reader = TarReader(io.BytesIO(archive), limits or Limits())
    while (entry := reader.next()) is not None:
        data = b""
        while piece := reader.read_data():
            data += piece
        yield entry, data


def only(archive: bytes) -> tuple[TarEntry, bytes]:
    [member] = read(archive)
    return member


def with_pax(records: list[tuple[bytes, bytes]], member: bytes, kind: bytes = b"x") -> bytes:
    body = pax.encode(records)
    return encode(b"PaxHeaders/x", kind, size=len(body)) + padded(body) + member


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


@pytest.mark.parametrize("left", [0, 1, 100])
def test_an_archive_may_end_without_the_padding_of_its_last_member(left: int) -> None:
    member = encode(b"a", REGULAR, size=3) + b"abc" + bytes(left)
    [(entry, data)] = read(member)
    assert (entry.path, data) == (b"a", b"abc")


def test_an_archive_that_ends_within_data_is_refused() -> None:
    with pytest.raises(BadTar, match="unexpected end of archive"):
        list(read(encode(b"a", REGULAR, size=3) + b"ab"))


names = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1)
paths = st.lists(names.map(lambda n: n[:80]), min_size=1, max_size=4).map("/".join).filter(bool)


@st.composite
def members(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    kinds = [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
    info = tarfile.TarInfo(draw(paths).strip("/") or "x")
    info.type = draw(st.sampled_from([*kinds, tarfile.CHRTYPE, tarfile.BLKTYPE]))
    info.mode = draw(st.integers(0, 0o7777))
    info.uid = draw(st.integers(0, 2**31))
    info.gid = draw(st.integers(0, 2**31))
    info.mtime = draw(st.integers(0, 2**40))
    if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        info.linkname = draw(paths)
    if info.type in (tarfile.CHRTYPE, tarfile.BLKTYPE):
        info.devmajor, info.devminor = draw(st.integers(0, 4095)), draw(st.integers(0, 2**20))
    data = draw(st.binary(max_size=1500)) if info.type == tarfile.REGTYPE else b""
    info.size = len(data)
    return info, data


@given(
    st.lists(members(), max_size=5),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    st.integers(1, 2000),
)
def test_what_tarfile_writes_is_read(
    written: list[tuple[tarfile.TarInfo, bytes]], form: int, chunk: int
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for info, data in written:
            archive.addfile(info, io.BytesIO(data))
    raw = buffer.getvalue()
    reader = TarReader(Chunks(raw[i : i + chunk] for i in range(0, len(raw), chunk)))
    for info, data in written:
        entry = reader.next()
        assert entry is not None
        name = info.name + ("/" if info.isdir() else "")
        assert (entry.path.rstrip(b"/"), entry.kind) == (
            name.encode("utf-8", "surrogateescape").rstrip(b"/"),
            info.type,
        )
        assert (entry.mode, entry.uid, entry.gid) == (info.mode, info.uid, info.gid)
        assert entry.mtime_ns == int(info.mtime) * 10**9
        assert entry.link == info.linkname.encode("utf-8", "surrogateescape")
        if info.type in (tarfile.CHRTYPE, tarfile.BLKTYPE):
            assert entry.device == (info.devmajor, info.devminor)
        content = b"".join(iter(lambda: bytes(reader.read_data()), b""))
        assert content == data
    assert reader.next() is None


@given(st.binary(max_size=3000))
def test_garbage_is_refused_or_read_but_never_crashes(garbage: bytes) -> None:
    with suppress(errors.InvalidArgument):
        list(read(garbage))


@given(st.integers(0, 1535), st.integers(0, 255))
def test_a_flipped_header_byte_never_crashes(position: int, value: int) -> None:
    archive = bytearray(with_pax([(b"path", b"long")], encode(b"f", size=3) + padded(b"abc")))
    archive[position] = value
    with suppress(errors.InvalidArgument):
        list(read(bytes(archive) + END))


@pytest.mark.parametrize("length", [1, 511, 513, 1023, 1024 + 187])
def test_a_truncated_archive_is_refused(length: int) -> None:
    archive = encode(b"a", size=700) + padded(b"x" * 700)
    with pytest.raises(BadTar, match="unexpected end of archive"):
        list(read(archive[:length]))


def test_an_archive_without_an_end_mark_is_complete() -> None:
    entry, data = only(encode(b"a", size=3) + padded(b"abc"))
    assert (entry.path, data) == (b"a", b"abc")


def test_nothing_at_all_is_an_empty_archive() -> None:
    assert list(read(b"")) == []
    assert list(read(END)) == []


def test_a_single_zero_block_is_refused() -> None:
    with pytest.raises(BadTar, match="single zero block"):
        list(read(bytes(512) + encode(b"a") + END))


def test_a_wrong_checksum_is_refused() -> None:
    with pytest.raises(BadTar, match="checksum"):
        list(read(b"b" + encode(b"a")[1:]))


def test_the_checksum_of_signed_bytes_is_taken_as_well() -> None:
    block = bytearray(encode("é".encode()))
    signed = sum(b - 256 if b > 127 else b for b in block[:148] + block[156:]) + 8 * 32
    block[148:156] = b"%06o\0 " % signed
    assert only(bytes(block))[0].path == "é".encode()


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(BadTar, match="unsupported entry type"):
        list(read(encode(b"a", b"V")))


def test_a_v7_directory_is_told_by_its_slash() -> None:
    assert only(encode(b"d/", b"\0"))[0].kind == DIRECTORY
    assert only(encode(b"f", b"\0"))[0].kind == REGULAR


def test_a_ustar_prefix_comes_before_the_name() -> None:
    info = tarfile.TarInfo("p" * 120 + "/" + "n" * 90)
    assert only(info.tobuf(tarfile.USTAR_FORMAT))[0].path == info.name.encode()


def test_a_size_of_a_link_is_not_data() -> None:
    block = encode(b"b", b"1", size=700, link=b"a")
    assert [entry.path for entry, _ in read(block + encode(b"c"))] == [b"b", b"c"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"0000644\0", 0o644),
        (b"   644 \0", 0o644),
        (b"644\0junk", 0o644),
        (b"\0" * 8, 0),
        (b"        ", 0),
        (b"\x80" + bytes(6) + b"\x05", 5),
        (b"\xff" * 8, -1),
        (b"\x80\0\0\0\x02\0\0\0\0\0\0\0", 2 << 56),
    ],
)
def test_numbers_are_octal_or_base_256(field: bytes, value: int) -> None:
    assert number(field) == value


@pytest.mark.parametrize("field", [b"0000648\0", b"1_0\0", b"-7\0", b"+7\0", b"0x7\0", b"seven\0"])
def test_other_numbers_are_refused(field: bytes) -> None:
    with pytest.raises(BadTar, match="not an octal number"):
        number(field)


def test_pax_records_override_the_header() -> None:
    records = [
        (b"path", b"p" * 300),
        (b"uid", b"5000000000"),
        (b"mtime", b"1.5"),
        (b"SCHILY.xattr.user.a", b"b\0=\nc"),
        (b"LIBARCHIVE.xattr.user.b%20c", b"aGk"),
    ]
    entry, _ = only(with_pax(records, encode(b"short")))
    assert entry.path == b"p" * 300
    assert (entry.uid, entry.mtime_ns) == (5_000_000_000, 1_500_000_000)
    assert entry.xattrs == {b"user.a": b"b\0=\nc", b"user.b c": b"hi"}


def test_a_pax_header_is_for_one_member_and_a_global_one_for_all() -> None:
    local = with_pax([(b"mtime", b"7")], encode(b"a") + encode(b"b"))
    assert [entry.mtime_ns for entry, _ in read(local)] == [7 * 10**9, 0]
    everywhere = with_pax([(b"mtime", b"7")], encode(b"a") + encode(b"b"), kind=b"g")
    assert [entry.mtime_ns for entry, _ in read(everywhere)] == [7 * 10**9, 7 * 10**9]


def test_the_size_of_a_pax_record_replaces_that_of_the_header() -> None:
    member = encode(b"a", size=0) + padded(b"abc")
    assert only(with_pax([(b"size", b"3")], member))[1] == b"abc"


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"5 a=b",
        b"0 a=b\n",
        b"99 a=b\n",
        b"6 ab\n\n",
        b"-1 a=b\n",
        b"12 path=a\0b\n",
        b"7 a=bc\nxx",
    ],
)
def test_malformed_pax_records_are_refused(body: bytes) -> None:
    header = encode(b"PaxHeaders/x", b"x", size=len(body)) + padded(body)
    with pytest.raises(BadTar):
        list(read(header + encode(b"a")))


def test_a_pax_header_without_a_member_is_refused() -> None:
    with pytest.raises(BadTar, match="ends after an extended header"):
        list(read(with_pax([(b"mtime", b"7")], END)))


def test_limits_are_kept() -> None:
    with pytest.raises(LimitExceeded, match="extended header"):
        list(read(encode(b"x", b"x", size=(1 << 20) + 1)))
    with pytest.raises(LimitExceeded, match="a path is over the limit of 4096"):
        list(read(with_pax([(b"path", b"p" * 4097)], encode(b"a"))))
    with pytest.raises(LimitExceeded, match="number of entries"):
        list(read(encode(b"a") * 4, Limits(entries=3)))


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(BadTar, match="empty path"):
        list(read(encode(b"")))


SPARSE_FORMATS = [
    ["--format=gnu"],
    ["--format=posix", "--sparse-version=0.0"],
    ["--format=posix", "--sparse-version=0.1"],
    ["--format=posix", "--sparse-version=1.0"],
]


@pytest.mark.skipif(shutil.which("tar") is None, reason="GNU tar is missing")
@pytest.mark.parametrize("options", SPARSE_FORMATS, ids=lambda o: o[-1])
@pytest.mark.parametrize("pieces", [0, 1, 3, 40])
def test_sparse_files_of_gnu_tar_are_read(tmp_path: Path, options: list[str], pieces: int) -> None:
    with open(tmp_path / "holes", "wb") as file:
        for index in range(pieces):
            file.seek(index * 40960 + 4096)
            file.write(b"%05d" % index * 800)
        file.truncate(pieces * 40960 + 123456)
    (tmp_path / "after").write_bytes(b"next")
    made = subprocess.run(
        ["tar", "-cS", *options, "-C", str(tmp_path), "holes", "after"],
        capture_output=True,
        check=True,
    )
    [(entry, data), (after, rest)] = read(made.stdout)
    assert (entry.path, entry.real_size) == (b"holes", os.stat(tmp_path / "holes").st_size)
    assert entry.sparse is not None
    content = bytearray(entry.real_size)
    for offset, length in entry.sparse:
        content[offset : offset + length], data = data[:length], data[length:]
    assert data == b""
    assert bytes(content) == (tmp_path / "holes").read_bytes()
    assert (after.path, rest) == (b"after", b"next")


@pytest.mark.parametrize(
    "sparse_map",
    [b"0,3,1,2", b"0,3,9,9", b"5,5", b"0,4", b"0", b"a,b", b"-1,3", b"0,-5,0,8"],
)
def test_a_lying_sparse_map_is_refused(sparse_map: bytes) -> None:
    records = [(b"GNU.sparse.map", sparse_map), (b"GNU.sparse.size", b"9")]
    with pytest.raises(BadTar):
        list(read(with_pax(records, encode(b"a", size=3) + padded(b"abc"))))
