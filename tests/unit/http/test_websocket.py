"""Frames of clients become bytes, whatever their sizes and pieces; what is no frame ends it."""

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.http.request import Request
from lading.http.stream import RawStream
from lading.http.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    NotAWebSocket,
    WebSocket,
    accept,
    frame,
    unmask,
)


class Channel:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    async def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        """Nothing to end."""

    async def close(self) -> None:
        """Nothing to close."""

    def pause_reading(self) -> None:
        """Nobody sends more."""

    def resume_reading(self) -> None:
        """Nobody sends more."""


def of_client(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A masked frame."""
    mask = os.urandom(4)
    head = frame(opcode, payload)[: -len(payload) or None]
    first = head[0] if fin else head[0] & 0x7F
    return bytes((first, head[1] | 0x80)) + head[2:] + mask + unmask(payload, mask)


def talk(received: bytes, cut: int = 1 << 20) -> tuple[bytes, bytes]:
    """What a server reads of these bytes, which arrive in pieces, and what it writes."""
    channel = Channel()

    async def run() -> bytes:
        stream = RawStream(channel, b"", buffered_bytes=1 << 20)
        socket, found = WebSocket(stream, is_binary=True), b""
        for start in range(0, len(received), cut):
            stream.feed(received[start : start + cut])
        stream.feed_eof()
        while data := await socket.read():
            found += data
        return found

    return asyncio.run(run()), channel.written


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.booleans()), max_size=5),
    st.integers(min_value=1, max_value=50),
)
def test_payloads_are_one_stream(parts: list[tuple[bytes, bool]], cut: int) -> None:
    sent = b"".join(
        of_client(BINARY if fin else CONTINUATION, payload, fin=fin) for payload, fin in parts
    )
    found, _ = talk(sent + of_client(CLOSE, b"\x03\xe8"), cut)
    assert found == b"".join(payload for payload, _ in parts)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 300_000])
def test_every_length_has_its_head(size: int) -> None:
    payload = os.urandom(size)
    found, _ = talk(of_client(BINARY, payload))
    assert found == payload


def test_a_ping_is_answered_and_is_no_data() -> None:
    found, written = talk(of_client(PING, b"are you there") + of_client(BINARY, b"x"))
    assert found == b"x"
    assert written.startswith(frame(PONG, b"are you there"))


def test_a_close_is_answered_once() -> None:
    _, written = talk(of_client(CLOSE, b"\x03\xe8"))
    assert written == frame(CLOSE, (1000).to_bytes(2, "big"))


@pytest.mark.parametrize(
    "broken",
    [
        frame(BINARY, b"not masked"),
        b"\xc2\x80\0\0\0\0",  # a reserved bit
        of_client(3, b""),  # an unknown kind
        of_client(PING, b"x", fin=False),  # control frames are whole
        of_client(PING, b"x" * 126),
    ],
)
def test_what_is_no_frame_ends_it(broken: bytes) -> None:
    found, written = talk(broken + of_client(BINARY, b"unread"))
    assert (found, written) == (b"", frame(CLOSE, (1002).to_bytes(2, "big")))


def test_a_cut_connection_is_an_end() -> None:
    assert talk(of_client(BINARY, b"hello")[:-2])[0] == b"hel"
    assert talk(b"\x82")[0] == b""


def request(**headers: str) -> Request:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request("GET", "/", pairs, None, body_bytes=0)  # type: ignore[arg-type]


def test_the_handshake_is_that_of_the_standard() -> None:
    asked = request(
        connection="Upgrade",
        upgrade="websocket",
        sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
        sec_websocket_version="13",
    )
    assert list(accept(asked)) == [("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]


def test_anything_else_is_refused() -> None:
    with pytest.raises(NotAWebSocket):
        accept(request(connection="Upgrade", upgrade="tcp"))
