"""Frames come apart the same however the bytes were cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.sdk.errors import ProtocolError
from lading.sdk.frames import STDERR, STDOUT, Demultiplexer, encode_frame

frames_ = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=40)))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(bounds)]


@given(frames_, st.lists(st.integers(min_value=0)))
def test_each_stream_gets_its_bytes_in_order(
    frames: list[tuple[int, bytes]], places: list[int]
) -> None:
    data = b"".join(encode_frame(stream, payload) for stream, payload in frames)
    demultiplexer = Demultiplexer()
    pieces = [piece for part in cut(data, places) for piece in demultiplexer.feed(part)]
    for wanted in (STDOUT, STDERR):
        expected = b"".join(payload for stream, payload in frames if stream == wanted)
        assert b"".join(payload for stream, payload in pieces if stream == wanted) == expected
    assert demultiplexer.is_between_frames()


def test_a_long_frame_is_handed_on_before_it_is_complete() -> None:
    demultiplexer = Demultiplexer()
    assert demultiplexer.feed(encode_frame(STDOUT, b"abcdef")[:11]) == [(STDOUT, b"abc")]
    assert not demultiplexer.is_between_frames()


@pytest.mark.parametrize("data", [b"hello world", b"\x01\x00\x00\x07\x00\x00\x00\x01", b"\x04" * 8])
def test_a_raw_stream_is_not_taken_for_frames(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="not a multiplexed stream"):
        Demultiplexer().feed(data)


def test_frames_of_one_stream_that_follow_one_another_are_one_payload() -> None:
    lines = [encode_frame(STDOUT, b"%d\n" % number) for number in range(3)]
    data = b"".join([*lines, encode_frame(STDERR, b"no\n"), encode_frame(STDOUT, b"3\n")])
    expected = [(STDOUT, b"0\n1\n2\n"), (STDERR, b"no\n"), (STDOUT, b"3\n")]
    assert Demultiplexer().feed(data) == expected
