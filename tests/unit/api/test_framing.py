"""Frames say which stream and how long; a line of a log has one of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.api.framing import PIECE, frame, frame_lines, pieces

texts = st.lists(
    st.sampled_from([b"", b"a", b"some words", b"x" * 1024, b"y" * 1025, b"z" * 5000])
).map(b"\n".join)


@given(texts, st.sampled_from([1, 2]))
def test_each_line_has_a_frame_of_its_own(text: bytes, stream: int) -> None:
    expected = [frame(stream, line) for line in text.splitlines(keepends=True)]
    assert frame_lines(stream, text) == b"".join(expected)


@given(st.lists(st.sampled_from([0, 1, PIECE // 3, PIECE, 3 * PIECE + 1])))
def test_pieces_are_the_same_bytes_and_none_is_large(sizes: list[int]) -> None:
    texts = [b"%d" % (size % 10) * size for size in sizes]
    found = list(pieces(texts))
    assert b"".join(found) == b"".join(texts)
    assert all(0 < len(piece) <= PIECE for piece in found)


@pytest.mark.parametrize(("text", "framed"), [(b"", b""), (b"x", b"\1\0\0\0\0\0\0\1x")])
def test_a_text_without_a_line_feed_is_one_frame_at_most(text: bytes, framed: bytes) -> None:
    assert frame_lines(1, text) == framed
