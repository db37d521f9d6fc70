"""Requests and answers on real sockets: keep-alive, bodies, back-pressure, limits, going away."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from lading.http import Limits, Request, Response, StreamResponse

Start = Callable[..., Any]
GET = b"GET / HTTP/1.1\r\nHost: d\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"
TRANSPORTS = ["unix", "tcp", "tls"]


async def echo(request: Request) -> Response:
    return Response(200, request.path.encode() + b" " + await request.read())


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_connection_serves_many_requests(start: Start, transport: str) -> None:
    client = start(echo).connect(transport)
    for number in range(3):
        client.send(b"POST /%d HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\n\r\nhi" % number)
        assert client.receive_until(b"hi").startswith(b"HTTP/1.1 200 OK\r\n")


def test_pipelined_requests_are_answered_in_order(start: Start) -> None:
    one, two = GET.replace(b"/ ", b"/one "), CLOSE.replace(b"/ ", b"/two ")
    answer = start(echo).ask(one + two)
    assert answer.index(b"/one ") < answer.index(b"/two ")


def test_a_head_that_comes_byte_by_byte_is_a_head(start: Start) -> None:
    client = start(echo).connect()
    for byte in CLOSE:
        client.send(bytes([byte]))
    assert body_of(client.receive_all()) == b"/ "


def test_a_chunked_body_is_put_together(start: Start) -> None:
    head = b"POST / HTTP/1.1\r\nHost: d\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert body_of(start(echo).ask(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) == b"/ abcde"


def test_a_client_that_expects_it_is_told_to_continue(start: Start) -> None:
    client = start(echo).connect()
    client.send(
        b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
        b"Connection: close\r\n\r\n"
    )
    assert client.receive_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
    client.send(b"hi")
    assert body_of(client.receive_all()) == b"/ hi"


def test_head_is_answered_without_the_body(start: Start) -> None:
    answer = start(echo).ask(CLOSE.replace(b"GET", b"HEAD"))
    assert b"Content-Length: 2\r\n" in answer
    assert body_of(answer) == b""


def test_no_content_has_neither_body_nor_length(start: Start) -> None:
    async def nothing(request: Request) -> Response:
        return Response(204)

    answer = start(nothing).ask(CLOSE)
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"Content-Length" not in answer


def test_http_1_0_gets_a_stream_that_ends_with_the_connection(start: Start) -> None:
    async def stream(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

        return StreamResponse(chunks())

    assert body_of(start(stream).ask(b"GET / HTTP/1.0\r\n\r\n")) == b"onetwo"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_answer_may_begin_while_the_body_still_comes(start: Start, transport: str) -> None:
    async def duplex(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            async for data in request.iter_body():
                yield data.upper()

        return StreamResponse(chunks())

    client = start(duplex).connect(transport)
    client.send(b"POST / HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.receive_until(b"\r\n\r\n")
    for word in (b"one", b"two"):
        client.send(b"3\r\n" + word + b"\r\n")
        assert client.receive_until(b"\r\n") == b"3\r\n"
        assert client.receive_until(b"\r\n") == word.upper() + b"\r\n"


def test_the_head_of_a_stream_goes_out_before_its_first_piece(start: Start) -> None:
    gate = asyncio.Event()

    async def slow(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            await gate.wait()
            yield b"late"

        return StreamResponse(chunks())

    running = start(slow)
    client = running.connect()
    client.send(CLOSE)
    assert client.receive_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    running.loop.call_soon_threadsafe(gate.set)
    assert b"late" in client.receive_all()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_body_that_is_not_read_makes_its_sender_wait(start: Start, transport: str) -> None:
    gate, taken = asyncio.Event(), []

    async def lazy(request: Request) -> Response:
        await gate.wait()
        async for data in request.iter_body():
            taken.append(len(data))
        return Response(200, b"done")

    running = start(lazy, limits=Limits(buffered_bytes=64 * 1024))
    client = running.connect(transport)
    size = 32 * 1024 * 1024
    client.send(b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n" % size)
    # fills the buffers between the two ends, and no more
    assert client.send_until_full(size >> 16) < (size >> 16) - 128
    client.close()
    running.loop.call_soon_threadsafe(gate.set)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_does_not_read_makes_the_answer_wait(start: Start, transport: str) -> None:
    produced = []

    async def endless(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(1000):
                produced.append(1)
                yield bytes(1 << 16)

        return StreamResponse(chunks())

    running = start(endless)
    client = running.connect(transport)
    client.send(CLOSE)
    running.wait_until(lambda: len(produced) > 1)
    time.sleep(0.3)
    assert len(produced) < 200
    assert len(client.receive_all()) > 1000 << 16  # and nothing was lost by waiting


@pytest.mark.parametrize(
    ("transport", "streaming"),  # on TCP a close looks like a half-close until we send something
    [("unix", True), ("unix", False), ("tcp", True), ("tls", True), ("tls", False)],
)
def test_a_handler_ends_when_its_client_goes(start: Start, transport: str, streaming: bool) -> None:
    begun, cancelled = [], []

    async def wait_for_ever() -> None:
        begun.append(1)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def handler(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            await wait_for_ever()
            yield b""

        if streaming:
            return StreamResponse(chunks())
        await wait_for_ever()
        raise AssertionError

    running = start(handler)
    client = running.connect(transport)
    client.send(GET)
    running.wait_until(lambda: begun)
    client.end() if transport == "tls" else None
    client.close()
    running.wait_until(lambda: cancelled)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_only_ends_its_direction_gets_its_answer(
    start: Start, transport: str
) -> None:
    async def slow(request: Request) -> Response:
        await asyncio.sleep(0.1)
        return Response(200, b"answer")

    client = start(slow).connect(transport)
    client.send(GET)
    client.end()
    assert body_of(client.receive_all()) == b"answer"


def test_a_unix_client_that_ends_its_direction_may_hear_a_stream(start: Start) -> None:
    async def stream(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(3):
                await asyncio.sleep(0.05)
                yield b"tick"

        return StreamResponse(chunks())

    client = start(stream).connect()
    client.send(GET)
    client.end()
    assert client.receive_all().count(b"tick") == 3


def test_what_is_not_http_is_refused_in_plain_text(start: Start) -> None:
    answer = start(echo).ask(b"\x16\x03\x01\x00\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_head_may_not_be_endless(start: Start) -> None:
    running = start(echo, limits=Limits(head_bytes=4096))
    client = running.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: d\r\nX: " + b"x" * 8000)
    assert client.receive_all().startswith(b"HTTP/1.1 431 ")


def test_a_body_that_is_read_whole_may_not_be_endless(start: Start) -> None:
    failures = []

    async def handler(request: Request) -> Response:
        try:
            await request.read()
        except Exception as error:
            failures.append(str(error))
            return Response(400, str(error).encode())
        raise AssertionError

    running = start(handler, limits=Limits(body_bytes=1000, linger_s=0.1))
    client = running.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 5000000\r\n\r\n")
    client.send(bytes(200_000))
    assert b"more than 1000 bytes" in client.receive_all()


def test_a_refused_upload_hears_why(start: Start) -> None:
    async def refuse(request: Request) -> Response:
        return Response(400, b"no")

    client = start(refuse).connect()
    client.send(b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 5000000\r\n\r\n")
    client.send(bytes(1_000_000))
    assert body_of(client.receive_all()) == b"no"


def test_a_small_body_nobody_read_does_not_cost_the_connection(start: Start) -> None:
    async def ignore(request: Request) -> Response:
        return Response(200, b"ok")

    client = start(ignore).connect()
    for _ in range(2):
        client.send(b"POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\n\r\nhello")
        assert client.receive_until(b"\r\n\r\nok")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"PRI * H"])
def test_who_does_not_finish_a_head_is_let_go(start: Start, sent: bytes) -> None:
    client = start(echo, limits=Limits(head_s=0.1, idle_s=0.1, sweep_s=0.05)).connect()
    client.send(sent)
    assert client.receive_all() == b""


def test_who_does_not_finish_a_handshake_is_let_go(start: Start) -> None:
    running = start(echo, limits=Limits(idle_s=0.1, sweep_s=0.05))
    with socket.create_connection(("127.0.0.1", running.tls_port)) as connected:
        connected.settimeout(10)
        assert connected.recv(10) == b""


def test_a_failing_handler_answers_500_and_is_logged(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: Request) -> Response:
        raise ZeroDivisionError

    assert start(broken).ask(CLOSE).startswith(b"HTTP/1.1 500 ")
    assert "ZeroDivisionError" in caplog.text


def test_a_stream_that_fails_is_cut_not_ended(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"part"
            raise ZeroDivisionError

        return StreamResponse(chunks())

    client = start(broken).connect()
    client.send(GET)
    received = b""
    try:
        received = client.receive_until(b"0\r\n\r\n")
    except (EOFError, ConnectionError) as cut:
        received = cut.args[0] if isinstance(cut, EOFError) else b""
    assert not received.endswith(b"0\r\n\r\n")
    assert "ZeroDivisionError" in caplog.text


def test_closing_lets_a_request_finish_and_drops_idle_connections(start: Start) -> None:
    begun = []

    async def slow(request: Request) -> Response:
        begun.append(1)
        await asyncio.sleep(0.2)
        return Response(200, b"finished")

    running = start(slow)
    idle, busy = running.connect(), running.connect()
    busy.send(GET)
    running.wait_until(lambda: begun)
    running.call(running.server.aclose(grace_s=5))
    assert body_of(busy.receive_all()) == b"finished"
    assert idle.receive_all() == b""


def test_closing_cancels_what_does_not_finish(start: Start) -> None:
    begun = []

    async def stuck(request: Request) -> Response:
        begun.append(1)
        await asyncio.Event().wait()
        raise AssertionError

    running = start(stuck)
    client = running.connect()
    client.send(GET)
    running.wait_until(lambda: begun)
    running.call(running.server.aclose(grace_s=0.05))
    assert client.is_cut()
