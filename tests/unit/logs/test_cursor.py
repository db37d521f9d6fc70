"""A cursor gives every whole record once, in order, while the log is being written."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.logs import Cursor, Record, segment_files
from lading.logs.cursor import FLAG_SKIPPED
from lading.runtime.segments import (
    HEADER,
    OVERHEAD,
    STDERR,
    STDOUT,
    TRAILER,
    SegmentWriter,
    list_segments,
)

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


def record(payload: bytes, stream: int = STDOUT, time_ns: int = 1) -> bytes:
    length = len(payload)
    return HEADER.pack(length, stream, 0, 0, time_ns) + payload + TRAILER.pack(length)


def text_of(found: list[Record], stream: int) -> bytes:
    return b"".join(r.payload for r in found if r.stream == stream)


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
        found = read_all(cursor)
        assert cursor.position == writer.end
    for stream in (STDOUT, STDERR):
        assert text_of(found, stream) == b"".join(p for number, p in pieces if number == stream)


@given(st.lists(pieces_of_output))
def test_a_follower_sees_each_record_once(
    tmp_path_factory: pytest.TempPathFactory, bursts: list[list[tuple[int, bytes]]]
) -> None:
    directory = str(tmp_path_factory.mktemp("log"))
    writer = SegmentWriter(directory, segment_size=200)
    with Cursor(directory) as cursor:
        for burst in bursts:
            for stream, payload in burst:
                writer.write(stream, payload)
            found = read_all(cursor)
            for stream in (STDOUT, STDERR):
                said = b"".join(text for number, text in burst if number == stream)
                assert text_of(found, stream) == said
    writer.close()


@given(st.integers(min_value=1, max_value=OVERHEAD + 4))
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
        assert cursor.position == writer.end


@given(st.integers(min_value=1, max_value=OVERHEAD + 4))
def test_the_end_is_never_within_a_record(
    tmp_path_factory: pytest.TempPathFactory, count: int
) -> None:
    directory = tmp_path_factory.mktemp("log")
    writer = SegmentWriter(str(directory))
    writer.write(STDOUT, b"whole")
    end = writer.end
    writer.write(STDOUT, b"torn")
    writer.close()
    tear(directory, count)
    with Cursor(str(directory)) as cursor:
        cursor.seek_end()
        assert cursor.position == end


def test_a_record_without_its_end_is_waited_for(tmp_path: Path, cursor: Cursor) -> None:
    path = tmp_path / "00000001.seg"
    path.write_bytes(record(b"text", time_ns=5)[:-1])
    assert cursor.read() == []
    path.write_bytes(record(b"text", time_ns=5))
    assert cursor.read() == [Record(STDOUT, 5, b"text")]


def test_a_record_written_just_before_the_segment_ends_is_not_lost(
    tmp_path: Path, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=OVERHEAD + 8)
    writer.write(STDOUT, b"first")
    assert payloads(cursor.read()) == [b"first"]
    list_first = segment_files.numbers

    def write_then_list(directory: str) -> list[int]:
        monkeypatch.setattr(segment_files, "numbers", list_first)
        with (tmp_path / "00000001.seg").open("ab") as file:
            file.write(record(b"second"))
        writer.write(STDOUT, b"third")
        return list_first(directory)

    monkeypatch.setattr(segment_files, "numbers", write_then_list)
    assert payloads(read_all(cursor)) == [b"second", b"third"]
    writer.close()


def test_an_open_segment_is_read_to_its_end_though_it_is_removed(
    tmp_path: Path, cursor: Cursor
) -> None:
    writer = SegmentWriter(str(tmp_path))
    writer.write(STDOUT, b"first")
    assert payloads(cursor.read()) == [b"first"]
    writer.write(STDOUT, b"second")
    (tmp_path / "00000001.seg").unlink()
    assert payloads(cursor.read()) == [b"second"]
    writer.close()


def test_segments_that_went_unread_are_told_of(tmp_path: Path, cursor: Cursor) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=OVERHEAD + 4)
    writer.write(STDOUT, b"one\n")
    cursor.read()
    for text in (b"two\n", b"six\n"):
        writer.write(STDOUT, text)
    writer.close()
    (tmp_path / "00000002.seg").unlink()
    skipped, kept = read_all(cursor)
    assert (skipped.flags, skipped.is_marker, kept.payload) == (FLAG_SKIPPED, True, b"six\n")


def test_a_place_can_be_found_again(tmp_path: Path, cursor: Cursor) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=100)
    for number in range(20):
        writer.write(STDOUT, b"%d" % number)
    writer.close()
    places = {}
    while records := cursor.read():
        places[cursor.position] = records[-1].payload
    for position, payload in places.items():
        cursor.seek(position)
        assert payloads(read_all(cursor)) == [b"%d" % n for n in range(int(payload) + 1, 20)]


def test_segments_that_ended_before_a_time_are_passed_over(tmp_path: Path, cursor: Cursor) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=OVERHEAD + 1)
    for text in (b"1", b"2", b"3"):
        writer.write(STDOUT, text)
    writer.close()
    for number in (1, 2, 3):
        os.utime(tmp_path / f"{number:08d}.seg", ns=(0, number * 100))
    cursor.seek_time(150)
    assert payloads(read_all(cursor)) == [b"2", b"3"]


def test_the_end_is_after_everything_written(writer: SegmentWriter, cursor: Cursor) -> None:
    writer.write(STDOUT, b"old")
    cursor.seek_end()
    assert cursor.position == writer.end
    writer.write(STDOUT, b"new")
    assert payloads(cursor.read()) == [b"new"]


def test_the_end_counts_all_segments(tmp_path: Path, cursor: Cursor) -> None:
    writer = SegmentWriter(str(tmp_path), segment_size=OVERHEAD)
    for _ in range(3):
        writer.write(STDOUT, b"x")
    writer.close()
    cursor.seek_end()
    assert cursor.position == writer.end


def test_there_is_nothing_in_a_log_that_was_never_written(tmp_path: Path) -> None:
    with Cursor(str(tmp_path / "absent")) as cursor:
        assert (cursor.read(), cursor.position) == ([], 0)


def test_closing_twice_is_harmless(writer: SegmentWriter, cursor: Cursor) -> None:
    writer.write(STDOUT, b"x")
    cursor.read()
    cursor.close()
    cursor.close()
