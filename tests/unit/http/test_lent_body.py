"""A chunked body that a thread reads from the socket: what it is, where it ends, and afterwards."""

import asyncio
import hashlib
import socket
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.http import Request, Response
from lading.http.lent_body import BadChunk, LentBody

Start = Callable[..., Any]
HEAD = b"POST / HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET /after HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"


def chunked(pieces: Sequence[bytes]) -> bytes:
    chunks = b"".join(b"%x;note=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return chunks + b"0\r\nTrailer: x\r\n\r\n"


def read_lent(received: bytes, packets: Sequence[bytes], size: int = 1000) -> tuple[bytes, bytes]:
    """The body and the rest of what these packets carry."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        body = LentBody(ours.fileno(), received)

        def send() -> None:
            for packet in packets:
                theirs.sendall(packet)
            theirs.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            read = b"".join(iter(lambda: body.read(size), b""))
            return read, body.rest
        finally:
            sender.join()
            body.close()


@given(
    pieces=st.lists(st.binary(max_size=300), max_size=6),
    cuts=st.lists(st.integers(0, 2000), max_size=5),
    size=st.integers(1, 500),
)
def test_any_chunks_in_any_packets_are_the_body(
    pieces: list[bytes], cuts: list[int], size: int
) -> None:
    stream = chunked(pieces)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    packets = [stream[a:b] for a, b in pairwise(places)]
    assert read_lent(packets[0], packets[1:], size)[0] == b"".join(pieces)


def test_what_follows_the_body_is_kept() -> None:
    assert read_lent(chunked([b"abc"]) + b"GET", []) == (b"abc", b"GET")


@pytest.mark.parametrize(
    "stream",
    [
        b"x\r\n",
        b"-1\r\na",
        b"3\nabc\r\n",
        b"\r\n",
        b"1\r\nab\r\n",
        b"1\r\na0\r\n\r\n",
        b"0x1\r\na\r\n",
        b"1" * 17 + b"\r\n",
        b"1;" + b"e" * 5000 + b"\r\n",
        b"0\r\n" + b"T: x\r\n" * 2000 + b"\r\n",
    ],
)
def test_what_is_not_chunked_is_refused(stream: bytes) -> None:
    with pytest.raises(BadChunk):
        read_lent(stream, [])


@pytest.mark.parametrize("stream", [b"", b"5\r\nabc", b"3\r\nabc\r\n", b"3\r\nabc\r\n0\r\n"])
def test_a_body_that_is_cut_is_an_error(stream: bytes) -> None:
    with pytest.raises(ConnectionAbortedError):
        read_lent(stream, [])


def test_a_reader_that_waits_can_be_told_to_stop() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        body = LentBody(ours.fileno(), b"")
        threading.Timer(0.05, body.abandon).start()
        with pytest.raises(ConnectionAbortedError, match="nobody wants"):
            body.read(10)
        body.close()


async def digest(request: Request) -> Response:
    """Reads the body in a thread if it may, and says so."""
    with request.body.lent() as lent:
        if lent is None:
            data = b"".join([piece async for piece in request.body])
        else:
            data = await asyncio.to_thread(lambda: b"".join(iter(lambda: lent.read(65536), b"")))
    how = "common" if lent is None else "lent"
    return Response(200, f"{how} {hashlib.sha256(data).hexdigest()}!".encode())


@pytest.mark.parametrize(
    ("transport", "how"), [("unix", b"lent"), ("tcp", b"lent"), ("tls", b"common")]
)
def test_the_connection_goes_on_after_a_body_was_lent(
    start: Start, transport: str, how: bytes
) -> None:
    pieces = [bytes([number]) * 40_000 for number in range(30)]
    expected = how + b" " + hashlib.sha256(b"".join(pieces)).hexdigest().encode() + b"!"
    client = start(digest).connect(transport)
    for _ in range(2):
        client.send(HEAD + chunked(pieces))
        assert client.receive_until(b"!").endswith(b"\r\n\r\n" + expected)


def test_a_request_behind_a_lent_body_is_answered(start: Start) -> None:
    async def handler(request: Request) -> Response:
        return await digest(request) if request.has_body else Response(200, b"second")

    answer = start(handler).ask(HEAD + chunked([b"abc"]) + GET)
    assert answer.index(b"lent ") < answer.index(b"second")


def test_a_head_that_ends_in_the_next_packet_hides_nothing_of_the_body(start: Start) -> None:
    client = start(digest).connect()
    client.send(HEAD[:-1])
    threading.Event().wait(0.05)  # let it arrive as a packet of its own
    body = b"one\r\n\r\ntwo"
    client.send(HEAD[-1:] + chunked([body]))
    expected = hashlib.sha256(body).hexdigest().encode() + b"!"
    assert client.receive_until(b"!").endswith(expected)


def test_who_sends_nonsense_in_a_lent_body_hears_of_it(start: Start) -> None:
    async def handler(request: Request) -> Response:
        with request.body.lent() as lent:
            assert lent is not None
            try:
                await asyncio.to_thread(lent.read, 100)
            except BadChunk as error:
                return Response(400, str(error).encode())
        return Response(200)

    client = start(handler).connect()
    client.send(HEAD + b"nonsense\r\n" + bytes(1_000_000))
    assert client.receive_all().endswith(b"bad size of a chunk")
