"""Heads and bodies are read the same however the bytes were cut; what is torn is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.sdk import http1
from lading.sdk.errors import ProtocolError
from lading.sdk.http1 import BodyUntilClose, ChunkedBody, Head, HeadReader, LengthBody
from lading.sdk.request import HIJACKED, Request


def feed_cut(body: http1.Body, data: bytes, step: int) -> bytes:
    return b"".join(body.feed(data[at : at + step]) for at in range(0, len(data), step))


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 50), st.binary(max_size=9))
def test_chunks_come_together_and_the_rest_stays(
    chunks: list[bytes], step: int, rest: bytes
) -> None:
    data = b"".join(http1.encode_chunk(chunk) for chunk in chunks) + http1.encode_chunk(b"")
    body = ChunkedBody()
    assert feed_cut(body, data + rest, step) == b"".join(chunks)
    assert body.done
    assert body.rest == rest


@given(st.binary(max_size=60), st.integers(1, 30), st.binary(max_size=9))
def test_a_body_of_known_length_ends_there(data: bytes, step: int, rest: bytes) -> None:
    body = LengthBody(len(data))
    assert feed_cut(body, data + rest, step) == data
    assert body.done
    assert body.rest == rest


@given(st.binary(max_size=80), st.integers(1, 9))
def test_noise_is_an_error_or_incomplete_but_never_a_crash(data: bytes, step: int) -> None:
    body = ChunkedBody()
    try:
        feed_cut(body, data, step)
        body.finish()
    except ProtocolError:
        return
    assert body.done


def test_chunk_extensions_and_trailers_are_dropped() -> None:
    body = ChunkedBody()
    assert body.feed(b"3;name=x\r\nabc\r\n0\r\nTrailer: x\r\n\r\nnext") == b"abc"
    assert body.rest == b"next"


@pytest.mark.parametrize(
    "data", [b"zz\r\n", b"\r\n", b"-1\r\n", b"2\r\nabc\r\n", b"a" * 2000, b"0x2\r\nab\r\n"]
)
def test_malformed_chunks_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="malformed chunk"):
        ChunkedBody().feed(data)


def test_the_end_in_the_middle_of_a_body_is_an_error() -> None:
    for body in (LengthBody(3), ChunkedBody()):
        with pytest.raises(ProtocolError, match="the connection ended"):
            body.finish()


def test_a_body_without_length_ends_with_the_connection() -> None:
    body = BodyUntilClose()
    assert body.feed(b"abc") == b"abc"
    body.finish()
    assert body.done


@given(st.integers(1, 200))
def test_a_head_is_found_wherever_it_was_cut(step: int) -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: 1\r\na:  2 \r\n\r\nbody"
    reader = HeadReader()
    head = None
    position = 0
    while head is None:
        head = reader.feed(data[position : position + step])
        position += step
    assert (head.status, head.headers) == (200, {"a": "1, 2"})
    assert reader.rest + data[position:] == b"body"


def test_switching_protocols_is_an_answer() -> None:
    head = HeadReader().feed(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw")
    assert head is not None
    assert head.status == 101


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_not_http_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="not an HTTP answer"):
        HeadReader().feed(data)


def test_an_endless_head_is_refused() -> None:
    with pytest.raises(ProtocolError, match="too long"):
        HeadReader().feed(b"HTTP/1.1 200 OK\r\nA: " + b"x" * http1.MAX_HEAD)


@pytest.mark.parametrize(
    ("status", "headers", "method", "kind"),
    [
        (204, {}, "POST", LengthBody),
        (304, {"content-length": "5"}, "POST", LengthBody),
        (200, {"transfer-encoding": "chunked", "content-length": "5"}, "GET", ChunkedBody),
        (200, {"content-length": "5"}, "GET", LengthBody),
        (200, {}, "GET", BodyUntilClose),
    ],
)
def test_the_head_decides_how_the_body_ends(
    status: int, headers: dict[str, str], method: str, kind: type
) -> None:
    assert type(http1.body_of(Head(status, headers), method)) is kind


def test_a_malformed_length_is_refused() -> None:
    with pytest.raises(ProtocolError, match="Content-Length"):
        http1.body_of(Head(200, {"content-length": "5, 5"}), "GET")


def test_a_document_is_sent_with_its_length() -> None:
    data = http1.encode(Request("POST", "/x", {"a": "b c"}, document={"k": "é"}), "lading", "1.51")
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1.51/x?a=b%20c HTTP/1.1\r\nHost: lading\r\n")
    assert b"Content-Length: 14" in head
    assert body == b'{"k":"\\u00e9"}'


def test_a_hijack_asks_for_the_upgrade_and_a_document_goes_with_it() -> None:
    data = http1.encode(Request("POST", "/x", document={}, answer=HIJACKED), "h", "1.51")
    assert b"Connection: Upgrade\r\nUpgrade: tcp\r\n" in data
    assert data.endswith(b"\r\n\r\n{}")


def test_a_line_break_in_a_header_is_refused() -> None:
    with pytest.raises(ProtocolError, match="line break"):
        http1.encode(Request("GET", "/x", headers={"A": "1\r\nB: 2"}), "h", "")
