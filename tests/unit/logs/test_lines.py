"""`logs` shows lines: of the streams, in the span of time and as many as were asked for."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.logs import LineSelector, LogQuery, Record
from lading.logs.cursor import FLAG_SKIPPED
from lading.logs.lines import PARTIAL, format_time
from lading.runtime.segments import FLAG_LOST, LOSS

STAMP = b"1970-01-01T00:00:00.%09dZ "

records = st.lists(
    st.builds(
        Record,
        stream=st.sampled_from([1, 2]),
        time_ns=st.integers(min_value=1, max_value=10**9),
        payload=st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r"]), min_size=1).map(b"".join),
        flags=st.just(0),
    )
)


def out(time_ns: int, payload: bytes) -> Record:
    return Record(1, time_ns, payload)


def err(time_ns: int, payload: bytes) -> Record:
    return Record(2, time_ns, payload)


def select(query: LogQuery, *records: Record) -> list[bytes]:
    """The lines that come out."""
    selector = LineSelector(query)
    found = b"".join(text for _, text in [*selector.feed(records), *selector.flush()])
    return found.splitlines(keepends=True) if b"\r" not in found else [found]


def text_of(stream: int, found: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(text for number, text in found if number == stream)


@given(records)
def test_lines_together_are_what_each_stream_said(said: list[Record]) -> None:
    selector = LineSelector(LogQuery(since_ns=1))
    found = [*selector.feed(said), *selector.flush()]
    for stream in (1, 2):
        assert text_of(stream, found) == b"".join(r.payload for r in said if r.stream == stream)


@given(records)
def test_text_is_handed_on_in_whole_lines(said: list[Record]) -> None:
    assert all(text.endswith(b"\n") for _, text in LineSelector(LogQuery()).feed(said))


@given(records)
def test_a_terminals_output_waits_for_nothing(said: list[Record]) -> None:
    found = list(LineSelector(LogQuery(), is_raw=True).feed(said))
    assert found == [(record.stream, record.payload) for record in said]


def test_a_long_line_does_not_wait_for_its_end() -> None:
    selector = LineSelector(LogQuery(timestamps=True))
    assert list(selector.feed([out(1, b"x" * (PARTIAL - len(STAMP % 1)))])) == []
    [(_, text)] = selector.feed([out(2, b"y")])
    assert text == STAMP % 1 + b"x" * (PARTIAL - len(STAMP % 1)) + b"y"
    assert list(selector.feed([out(3, b"z\nnext\n")])) == [(1, b"z\n" + STAMP % 3 + b"next\n")]


def test_what_was_lost_is_told_as_a_line() -> None:
    [text] = select(LogQuery(), Record(2, 1, LOSS.pack(3, 40), FLAG_LOST))
    assert b"3 lines (40 bytes) were lost" in text
    [text] = select(LogQuery(stderr=False), Record(2, 1, b"", FLAG_SKIPPED))
    assert b"output was skipped here" in text


def test_a_carriage_return_ends_no_line() -> None:
    query = LogQuery(timestamps=True)
    [text] = select(query, out(1, b"10%\r20%\r\nend"))
    assert text == STAMP % 1 + b"10%\r20%\r\n" + STAMP % 1 + b"end"


def test_a_line_in_pieces_has_the_time_of_its_first_piece() -> None:
    query = LogQuery(timestamps=True)
    assert select(query, out(1, b"he"), out(2, b"llo\nyou"), out(3, b"\n")) == [
        STAMP % 1 + b"hello\n",
        STAMP % 2 + b"you\n",
    ]


def test_the_streams_do_not_mix_within_a_line() -> None:
    found = select(LogQuery(), out(1, b"o"), err(1, b"e"), out(1, b"ut\n"), err(1, b"rr"))
    assert found == [b"out\n", b"err"]


@pytest.mark.parametrize("timestamps", [False, True])
def test_a_stream_that_was_not_asked_for_is_left_out(timestamps: bool) -> None:
    selector = LineSelector(LogQuery(stdout=False, timestamps=timestamps))
    assert [number for number, _ in selector.feed([out(1, b"o\n"), err(2, b"e\n")])] == [2]


def test_an_unfinished_line_waits_for_its_end() -> None:
    selector = LineSelector(LogQuery(since_ns=1))
    assert list(selector.feed([out(1, b"half")])) == []
    assert list(selector.feed([out(1, b" done\n")])) == [(1, b"half done\n")]
    assert list(selector.flush()) == []


def test_lines_before_since_are_left_out() -> None:
    found = select(LogQuery(since_ns=2), out(1, b"a\n"), out(2, b"b\n"), out(3, b"c\n"))
    assert found == [b"b\n", b"c\n"]


def test_lines_after_until_are_left_out_and_end_the_search() -> None:
    selector = LineSelector(LogQuery(until_ns=2))
    assert list(selector.feed([out(1, b"a\n"), out(2, b"b\n")])) == [(1, b"a\n"), (1, b"b\n")]
    assert not selector.is_past_until
    assert list(selector.feed([out(3, b"c\n")])) == []
    assert selector.is_past_until


def test_without_attributes_details_are_a_space() -> None:
    assert select(LogQuery(details=""), out(7, b"x\n")) == [b" x\n"]


def test_details_stand_between_time_and_text() -> None:
    query = LogQuery(timestamps=True, details="a=b")
    assert select(query, out(7, b"x\n")) == [STAMP % 7 + b"a=b x\n"]


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (1_795_466_799_000_000_001, "2026-11-23T20:46:39.000000001Z"),
        (999_999_999, "1970-01-01T00:00:00.999999999Z"),
        (1_000_000_000, "1970-01-01T00:00:01.000000000Z"),
    ],
)
def test_times_have_nine_digits_and_are_utc(time_ns: int, text: str) -> None:
    assert format_time(time_ns) == text
