"""What is kept of a body, and what the parser hears in the end."""

import socket

import h11
import pytest

from lading.http.holdback import Holdback

CHUNKED = b"POST / HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\n"
BODY = b"3\r\nabc\r\n0\r\n\r\n"


def begun(head: bytes, rest: bytes) -> tuple[Holdback, h11.Connection]:
    parser, holdback = h11.Connection(h11.SERVER), Holdback()
    parser.receive_data(head)
    holdback.begin(rest, parser.next_event(), parser)
    return holdback, parser


def test_a_chunked_body_is_kept_until_it_is_released() -> None:
    holdback, parser = begun(CHUNKED, BODY[:4])
    assert holdback.keeps(BODY[4:])
    assert parser.next_event() is h11.NEED_DATA
    holdback.release(parser)
    assert not holdback.keeps(b"more")
    event = parser.next_event()
    assert isinstance(event, h11.Data)
    assert event.data == b"abc"


@pytest.mark.parametrize(
    "head",
    [
        SIZED,
        CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),
        CHUNKED.replace(b"\r\n\r\n", b"\r\nUpgrade: tcp\r\n\r\n"),
        CHUNKED + b"3",  # the parser has a part of the body, and cannot give it back
        CHUNKED[:-4],  # a head that is not complete
    ],
)
def test_other_bodies_are_the_parsers_at_once(head: bytes) -> None:
    holdback, parser = begun(head, b"")
    assert not holdback.keeps(b"abc")
    with holdback.lent(-1, parser) as body:
        assert body is None


def test_after_a_lent_body_the_parser_goes_on_behind_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        holdback, parser = begun(CHUNKED, BODY + b"GET")
        with holdback.lent(ours.fileno(), parser) as body:
            assert body is not None
            assert body.read(10) == b"abc"
            assert body.read(10) == b""
        assert isinstance(parser.next_event(), h11.EndOfMessage)
        assert parser.trailing_data == (b"GET", False)
        assert not holdback.is_torn


def test_a_body_that_is_given_back_too_early_is_torn() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        holdback, parser = begun(CHUNKED, BODY)
        with holdback.lent(ours.fileno(), parser) as body:
            assert body is not None
            body.read(1)
        assert holdback.is_torn
