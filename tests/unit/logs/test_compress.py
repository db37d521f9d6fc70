"""Compressed segments read as the plain ones did, and no race leaves one behind."""

import os
from pathlib import Path

import pytest

from lading.logs import Cursor, compress, tail
from lading.runtime.segments import STDOUT, SegmentWriter

LINES = [b"%06d some words that are much alike\n" % number for number in range(1000)]


@pytest.fixture
def writer(tmp_path: Path) -> SegmentWriter:
    writer = SegmentWriter(str(tmp_path), segment_size=8000)
    for line in LINES:
        writer.write(STDOUT, line)
    return writer


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def text_of(directory: Path) -> bytes:
    with Cursor(str(directory)) as cursor:
        return b"".join(r.payload for records in iter(cursor.read, []) for r in records)


def test_full_segments_are_compressed_and_read_the_same(
    tmp_path: Path, writer: SegmentWriter
) -> None:
    before = sum(path.stat().st_size for path in tmp_path.iterdir())
    compress.compress_full(str(tmp_path), is_over=False)
    *full, last = names(tmp_path)
    assert all(name.endswith(".seg.gz") for name in full)
    assert last.endswith(".seg")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < before / 3
    assert text_of(tmp_path) == b"".join(LINES)
    found = tail.find(str(tmp_path), 400, frozenset({STDOUT}))
    with Cursor(str(tmp_path)) as cursor:
        cursor.seek(found.position)
        records = found.cut(cursor.read(), cursor.position)
    assert records[0].payload == LINES[-400]
    writer.write(STDOUT, b"and on\n")
    writer.close()
    assert text_of(tmp_path).endswith(b"and on\n")


def test_a_reader_within_a_segment_does_not_notice(tmp_path: Path, writer: SegmentWriter) -> None:
    with Cursor(str(tmp_path)) as cursor:
        first = cursor.read()
        compress.compress_full(str(tmp_path), is_over=True)
        rest = [r for records in iter(cursor.read, []) for r in records]
    assert b"".join(r.payload for r in (*first, *rest)) == b"".join(LINES)
    writer.close()


def test_the_time_of_the_last_write_stays(tmp_path: Path, writer: SegmentWriter) -> None:
    os.utime(tmp_path / "00000001.seg", ns=(1, 12345))
    compress.compress_full(str(tmp_path), is_over=True)
    assert (tmp_path / "00000001.seg.gz").stat().st_mtime_ns == 12345
    writer.close()


def test_the_quota_removes_them_too(tmp_path: Path) -> None:
    writer = SegmentWriter(str(tmp_path), quota=150_000)
    for line in LINES * 3:
        writer.write(STDOUT, line)
    compress.compress_full(str(tmp_path), is_over=False)
    for line in LINES * 5:
        writer.write(STDOUT, line)
    writer.close()
    assert not any(name.endswith(".gz") for name in names(tmp_path))


def test_a_segment_that_is_removed_meanwhile_leaves_nothing(
    tmp_path: Path, writer: SegmentWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def remove_and_rename(source: str, target: str) -> None:
        os.unlink(target.removesuffix(".gz"))
        rename(source, target)

    monkeypatch.setattr(os, "rename", remove_and_rename)
    compress.compress_full(str(tmp_path), is_over=True)
    monkeypatch.undo()
    assert [name for name in names(tmp_path) if name.endswith(".gz")] == []
    os.close(writer._descriptor)
