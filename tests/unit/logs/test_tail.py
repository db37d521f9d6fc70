"""The last n lines are found from the end, whatever the pieces in which they were written."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.logs import Cursor, LineSelector, LogQuery, segment_files, tail
from lading.runtime.segments import STDERR, STDOUT, SegmentWriter

pieces = st.lists(
    st.tuples(
        st.sampled_from([STDOUT, STDERR]),
        st.lists(st.sampled_from([b"a", b"bc", b"\n"]), min_size=1, max_size=6).map(b"".join),
    )
)
Pieces = list[tuple[int, bytes]]


def write(directory: Path, said: Pieces, *, size: int = 1 << 20) -> None:
    writer = SegmentWriter(str(directory), segment_size=size)
    for stream, text in said:
        writer.write(stream, text)
    writer.close()


def last(directory: Path, count: int, query: LogQuery | None = None) -> Pieces:
    """The last lines as (stream, line), in the order in which they end."""
    query = query or LogQuery()
    found = tail.find(
        str(directory), count, query.streams, since_ns=query.since_ns, until_ns=query.until_ns
    )
    selector = LineSelector(query)
    texts: Pieces = []
    with Cursor(str(directory)) as cursor:
        cursor.seek(found.position)
        while records := cursor.read():
            texts += selector.feed(found.cut(records, cursor.position))
    texts += selector.flush()
    return [(stream, line) for stream, text in texts for line in text.splitlines(keepends=True)]


def lines_of(said: Pieces) -> Pieces:
    """All lines in the order in which they end, the unfinished ones last."""
    lines, rest = [], {STDOUT: b"", STDERR: b""}
    for stream, text in said:
        *complete, rest[stream] = (rest[stream] + text).split(b"\n")
        lines += [(stream, line + b"\n") for line in complete]
    return lines + [(stream, line) for stream, line in rest.items() if line]


@given(pieces, st.integers(min_value=1, max_value=6), st.integers(min_value=40, max_value=400))
def test_of_one_stream_the_last_lines_are_given(
    tmp_path_factory: pytest.TempPathFactory, said: Pieces, count: int, size: int
) -> None:
    directory = tmp_path_factory.mktemp("log")
    write(directory, said, size=size)
    for stream in (STDOUT, STDERR):
        expected = lines_of([(number, text) for number, text in said if number == stream])[-count:]
        query = LogQuery(stdout=stream == STDOUT, stderr=stream == STDERR)
        assert last(directory, count, query) == expected


@given(pieces, st.integers(min_value=1, max_value=6))
def test_of_both_streams_as_many_lines_are_given_as_were_asked_for(
    tmp_path_factory: pytest.TempPathFactory, said: Pieces, count: int
) -> None:
    directory = tmp_path_factory.mktemp("log")
    write(directory, said)
    found, lines = last(directory, count), lines_of(said)
    assert len(found) == min(count, len(lines))
    for stream in (STDOUT, STDERR):
        of_stream = [line for line in found if line[0] == stream]
        assert of_stream == [line for line in lines if line[0] == stream][-len(of_stream) or 999 :]


def test_one_line_is_one_though_both_streams_are_unfinished(tmp_path: Path) -> None:
    write(tmp_path, [(STDOUT, b"a\nb"), (STDERR, b"c\nd")])
    assert last(tmp_path, 1) == [(STDERR, b"d")]


def test_only_the_end_of_a_long_log_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [(STDOUT, b"x" * 99 + b"\n")] * 1000, size=10_000)
    opened: list[int] = []
    opening = segment_files.open_segment

    def note(directory: str, number: int) -> int:
        opened.append(number)
        return opening(directory, number)

    monkeypatch.setattr(segment_files, "open_segment", note)
    found = tail.find(str(tmp_path), 5, frozenset((STDOUT, STDERR)))
    assert (len(opened), found.position >> 32) == (2, opened[1])


def test_a_line_longer_than_many_records_is_one(tmp_path: Path) -> None:
    write(tmp_path, [(STDOUT, b"first\n"), *[(STDOUT, b"y" * 5000)] * 50], size=30_000)
    assert b"".join(text for _, text in last(tmp_path, 1)) == b"y" * 250_000


def test_only_lines_within_the_times_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(1, 10))
    monkeypatch.setattr(time, "time_ns", lambda: next(times))
    write(tmp_path, [(STDOUT, b"%d\n" % number) for number in range(1, 10)])
    assert last(tmp_path, 5, LogQuery(since_ns=8)) == [(1, b"8\n"), (1, b"9\n")]
    assert last(tmp_path, 2, LogQuery(until_ns=4)) == [(1, b"3\n"), (1, b"4\n")]


def test_a_torn_end_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, [(STDOUT, b"a\n"), (STDOUT, b"b\n"), (STDOUT, b"torn\n")])
    path = tmp_path / "00000001.seg"
    path.write_bytes(path.read_bytes()[:-3])
    assert last(tmp_path, 1) == [(STDOUT, b"b\n")]


def test_of_a_log_that_was_never_written_nothing_is_found(tmp_path: Path) -> None:
    assert last(tmp_path / "absent", 3) == []
