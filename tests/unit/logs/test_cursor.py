"""A cursor gives every whole record once, in order, while the log is being written."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.logs import Cursor, Record
from lading.logs import cursor as cursor_module
from lading.runtime.segments import HEADER, STDERR, STDOUT, SegmentWriter, list_segments

pieces_of_output = st.lists(
    st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(min_size=1, max_size=50))
)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SegmentWriter]:
    opened = SegmentWriter(str(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def cursor(tmp_path: Path) -> Iterator[Cursor]:
    with Cursor(str(tmp_path)) as opened:
        yield opened


def payloads(records: list[Record]) -> list[bytes]:
    return [record.payload for record in records]


def read_all(cursor: Cursor) -> list[Record]:
    return [record for batch in iter(cursor.read, []) for record in batch]


def tear(directory: Path, count: int) -> None:
    """Take bytes from the end of the last segment, as a death within a write does."""
    path = directory / list_segments(str(directory))[-1]
    os.truncate(path, path.stat().st_size - count)


@given(pieces_of_output, st.integers(min_value=1, max_value=200))
def test_what_was_written_is_read_in_order(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bytes]], size: int
) -> None:
    directory = str(tmp_path_factory.mktemp("log"))
    writer = SegmentWriter(directory, segment_size=size)
    for stream, payload in pieces:
        writer.write(stream, payload)
    writer.close()
    with Cursor(directory) as cursor:
        found = [(record.stream, record.payload) for record in read_all(cursor)]
        assert (found, cursor.position) == (pieces, writer.size)


@given(st.lists(pieces_of_output), st.integers(min_value=1, max_value=200))
def test_a_follower_sees_each_record_once(
    tmp_path_factory: pytest.TempPathFactory, bursts: list[list[tuple[int, bytes]]], size: int
) -> None:
    directory = str(tmp_path_factory.mktemp("log"))
    writer = SegmentWriter(directory, segment_size=size)
    with Cursor(directory) as cursor:
        for burst in bursts:
            for stream, payload in burst:
                writer.write(stream, payload)
            assert [(r.stream, r.payload) for r in read_all(cursor)] == burst
    writer.close()


@given(st.integers(min_value=1, max_value=HEADER.size + 4))
def test_a_torn_record_is_passed_over_when_a_later_run_writes(
    tmp_path_factory: pytest.TempPathFactory, count: int
) -> None:
    directory = tmp_path_factory.mktemp("log")
    for texts in ([b"whole", b"torn"], [b"next"]):
        writer = SegmentWriter(str(directory))
        for text in texts:
            writer.write(STDOUT, text)
        writer.close()
        if b"torn" in texts:
            tear(directory, count)
    with Cursor(str(directory)) as cursor:
        assert payloads(read_all(cursor)) == [b"whole", b"next"]
        assert cursor.position == writer.size


def test_a_record_without_its_end_is_waited_for(tmp_path: Path, cursor: Cursor) -> None:
    record = HEADER.pack(4, STDOUT, 0, 0, 5) + b"text"
    path = tmp_path / "00000001.seg"
    path.write_bytes(record[:-1])
    assert cursor.read() == []
    path.write_bytes(record)
    assert cursor.read() == [Record(STDOUT, 5, b"text")]


def test_a_record_longer_than_one_read_is_whole(
    tmp_path: Path, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor_module, "CHUNK", HEADER.size)
    path = tmp_path / "00000001.seg"
    path.write_bytes(HEADER.pack(3, STDOUT, 0, 0, 1) + b"one" + HEADER.pack(3, 2, 0, 0, 2) + b"two")
    assert payloads(read_all(cursor)) == [b"one", b"two"]


def test_a_record_written_just_before_the_segment_ends_is_not_lost(
    tmp_path: Path, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=1)
    writer.write(STDOUT, b"first")
    assert payloads(cursor.read()) == [b"first"]
    list_first = cursor_module._segments

    def write_then_list(directory: str) -> list[int]:
        monkeypatch.setattr(cursor_module, "_segments", list_first)
        with (tmp_path / "00000001.seg").open("ab") as file:
            file.write(HEADER.pack(6, STDOUT, 0, 0, 1) + b"second")
        writer.write(STDOUT, b"third")
        return list_first(directory)

    monkeypatch.setattr(cursor_module, "_segments", write_then_list)
    assert payloads(read_all(cursor)) == [b"second", b"third"]
    writer.close()


def test_the_end_is_after_everything_written(writer: SegmentWriter, cursor: Cursor) -> None:
    writer.write(STDOUT, b"old")
    cursor.seek_end()
    assert cursor.position == writer.size
    writer.write(STDOUT, b"new")
    assert payloads(cursor.read()) == [b"new"]


def test_the_end_counts_all_segments(tmp_path: Path, cursor: Cursor) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=1)
    for _ in range(3):
        writer.write(STDOUT, b"x")
    writer.close()
    cursor.seek_end()
    assert cursor.position == writer.size


def test_there_is_nothing_in_a_log_that_was_never_written(tmp_path: Path) -> None:
    with Cursor(str(tmp_path / "absent")) as cursor:
        assert (cursor.read(), cursor.position) == ([], 0)


def test_closing_twice_is_harmless(writer: SegmentWriter, cursor: Cursor) -> None:
    writer.write(STDOUT, b"x")
    cursor.read()
    cursor.close()
    cursor.close()
