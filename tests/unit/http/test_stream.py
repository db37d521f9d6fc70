"""Taken-over connections on every transport: early bytes, half-close, HTTP/2 afterwards."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest

from lading.http import Hijack, Limits, RawStream, Request, Response

Start = Callable[..., Any]
TRANSPORTS = ["unix", "tcp", "tls"]
UPGRADE = (
    b"POST /attach HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
    b"Content-Length: 0\r\n\r\n"
)
PLAIN = b"POST /attach HTTP/1.1\r\nHost: d\r\nContent-Length: 4\r\n\r\nbody"


async def cat(request: Request) -> Response:
    """Gives back what it reads, and says goodbye only after the client has ended."""

    async def run(stream: RawStream) -> None:
        while data := await stream.read():
            await stream.write(data)
        await asyncio.sleep(0.05)
        await stream.write(b" bye")

    return Hijack(run, headers=[("Content-Type", "application/vnd.docker.raw-stream")])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_upgrade_answers_101_and_keeps_bytes_of_the_same_packet(
    start: Start, transport: str
) -> None:
    client = start(cat).connect(transport)
    client.send(UPGRADE + b"early ")
    assert client.receive_until(b"\r\n\r\n") == (
        b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
        b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
    client.send(b"late")
    client.end()
    assert client.receive_all() == b"early late bye"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_without_an_upgrade_the_answer_is_200_and_raw_bytes(start: Start, transport: str) -> None:
    client = start(cat).connect(transport)
    client.send(PLAIN + b"early")
    assert client.receive_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
    client.end()
    assert client.receive_all() == b"early bye"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_everything_in_one_packet_and_a_half_close_loses_nothing(
    start: Start, transport: str
) -> None:
    client = start(cat).connect(transport)
    client.send(UPGRADE + b"all of it")
    client.end()
    assert client.receive_all().endswith(b"\r\n\r\nall of it bye")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_our_half_close_leaves_the_other_direction(start: Start, transport: str) -> None:
    received = []

    async def listen(request: Request) -> Response:
        async def run(stream: RawStream) -> None:
            await stream.write(b"over")
            await stream.write_eof()
            while data := await stream.read():
                received.append(data)

        return Hijack(run)

    running = start(listen)
    client = running.connect(transport)
    client.send(UPGRADE)
    client.receive_until(b"\r\n\r\n")
    assert client.receive_all() == b"over"
    client.send(b"still here")
    client.end()
    running.wait_until(lambda: b"".join(received) == b"still here")


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_a_stream_learns_that_its_client_is_gone(start: Start, transport: str) -> None:
    gone = []

    async def silent(request: Request) -> Response:
        async def run(stream: RawStream) -> None:
            await stream.wait_gone()
            gone.append(await stream.read())

        return Hijack(run)

    running = start(silent)
    client = running.connect(transport)
    client.send(UPGRADE + b"last words")
    client.receive_until(b"\r\n\r\n")
    client.end()
    client.close()
    running.wait_until(lambda: gone)
    assert gone == [b"last words"]


def test_a_stream_runs_and_has_the_last_words_when_its_head_cannot_be_sent(start: Start) -> None:
    """The client has sent and closed before the server looks: its first write already fails."""
    heard: list[bytes] = []
    has_closed = threading.Event()

    async def attach(request: Request) -> Response:
        has_closed.wait(10)  # in the loop: nothing is read meanwhile

        async def run(stream: RawStream) -> None:
            while data := await stream.read():
                heard.append(data)
            heard.append(b"end")

        return Hijack(run)

    running = start(attach)
    client = running.connect("unix")
    client.send(UPGRADE)
    running.wait_until(lambda: any(c.task for c in running.server.connections))
    client.send(b"last words")
    client.close()
    has_closed.set()
    running.wait_until(lambda: b"end" in heard)
    assert heard == [b"last words", b"end"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_stream_nobody_reads_makes_the_client_wait(start: Start, transport: str) -> None:
    gate, total = asyncio.Event(), []

    async def lazy(request: Request) -> Response:
        async def run(stream: RawStream) -> None:
            await gate.wait()
            while data := await stream.read():
                total.append(len(data))

        return Hijack(run)

    running = start(lazy, limits=Limits(buffered_bytes=64 * 1024))
    client = running.connect(transport)
    client.send(UPGRADE)
    client.receive_until(b"\r\n\r\n")
    assert client.send_until_full(512) < 512
    running.loop.call_soon_threadsafe(gate.set)


class H2Server:
    """Just enough HTTP/2 to answer one request per stream; the protocol itself is h2's."""

    def __init__(self, stream: RawStream) -> None:
        self._stream = stream
        config = h2.config.H2Configuration(client_side=False)
        self._h2 = h2.connection.H2Connection(config)

    async def run(self) -> None:
        self._h2.initiate_connection()
        await self._stream.write(self._h2.data_to_send())
        while data := await self._stream.read():
            for event in self._h2.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    assert event.stream_id is not None
                    self._h2.send_headers(event.stream_id, [(":status", "200")])
                    self._h2.send_data(event.stream_id, b"over h2", end_stream=True)
            await self._stream.write(self._h2.data_to_send())


async def serve_http2(stream: RawStream) -> None:
    await H2Server(stream).run()


async def grpc(request: Request) -> Response:
    assert request.upgrade == "h2c"
    return Hijack(serve_http2)


def exchange(client: Any) -> bytes:
    """One request as an HTTP/2 client, preface first; the body of the answer."""
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    head = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "d")]
    connection.send_headers(1, head, end_stream=True)
    client.send(connection.data_to_send())
    body = b""
    while True:
        for event in connection.receive_data(client.receive()):
            if isinstance(event, h2.events.DataReceived):
                body += event.data or b""
            elif isinstance(event, h2.events.StreamEnded):
                return body
        client.send(connection.data_to_send())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_http2_with_prior_knowledge_is_handed_over(start: Start, transport: str) -> None:
    assert exchange(start(cat, http2=serve_http2).connect(transport)) == b"over h2"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_http2_after_an_upgrade_is_handed_over(start: Start, transport: str) -> None:
    client = start(grpc).connect(transport)
    client.send(UPGRADE.replace(b"tcp", b"h2c"))
    assert b"Upgrade: h2c\r\n" in client.receive_until(b"\r\n\r\n")
    assert exchange(client) == b"over h2"


def test_a_preface_that_comes_byte_by_byte_is_a_preface(start: Start) -> None:
    client = start(cat, http2=serve_http2).connect()
    for byte in b"PRI * HTTP/2.0\r\n":
        client.send(bytes([byte]))
    client.send(b"\r\nSM\r\n\r\n")
    assert client.receive()[3:4] == b"\x04"  # a SETTINGS frame


def test_http2_is_refused_where_nobody_speaks_it(start: Start) -> None:
    client = start(cat).connect()
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert client.receive_all().startswith(b"HTTP/1.1 505 ")
