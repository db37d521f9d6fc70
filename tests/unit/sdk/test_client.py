"""The blocking driver against an engine of prepared answers."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from lading.sdk import address, containers, images, system
from lading.sdk.client import Client
from lading.sdk.errors import ApiError, ConnectionFailed, ConnectionRefusedByMode, ProtocolError


class Engine(Protocol):
    seen: list[bytes]

    def serve(self, *conversations: Callable[[socket.socket], None]) -> Client: ...
    def answering(self, *answers: bytes) -> Callable[[socket.socket], None]: ...


def answer(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def test_a_document_is_decoded(engine: Engine) -> None:
    client = engine.serve(engine.answering(answer(b'{"Id": "4b0c"}')))
    assert client.run(containers.inspect("web")) == {"Id": "4b0c"}
    assert engine.seen[0].startswith(b"GET /v1.51/containers/web/json HTTP/1.1\r\n")


def test_a_connection_is_used_again(engine: Engine) -> None:
    client = engine.serve(engine.answering(answer(b"[]"), answer(b"[]")))
    assert client.run(containers.list_()) == []
    assert client.run(containers.list_(all=True)) == []
    client.close()


def test_a_connection_that_went_stale_is_replaced(engine: Engine) -> None:
    client = engine.serve(engine.answering(answer(b"[]")), engine.answering(answer(b'[{"Id":1}]')))
    client.run(containers.list_())
    assert client.run(containers.list_()) == [{"Id": 1}]


def test_an_error_carries_the_engines_words_and_status(engine: Engine) -> None:
    body = b'{"message":"No such container: web"}'
    client = engine.serve(engine.answering(answer(body, "404 Not Found")))
    with pytest.raises(ApiError) as caught:
        client.run(containers.start("web"))
    assert caught.value.status == 404
    assert str(caught.value) == "Error response from daemon: No such container: web"


def test_an_error_that_is_no_document_is_shown_as_it_is(engine: Engine) -> None:
    client = engine.serve(engine.answering(answer(b"boom", "500 Internal Server Error")))
    with pytest.raises(ApiError, match="boom"):
        client.run(system.info())


def test_an_older_engine_is_spoken_to_in_its_version(engine: Engine) -> None:
    body = b'{"message":"client version 1.51 is too new. Maximum supported API version is 1.41"}'
    client = engine.serve(engine.answering(answer(body, "400 Bad Request"), answer(b"[]")))
    assert client.run(containers.list_()) == []
    assert [line.split()[1] for line in engine.seen] == [
        b"/v1.51/containers/json",
        b"/v1.41/containers/json",
    ]


def test_a_stream_is_given_piece_by_piece(engine: Engine) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = engine.serve(engine.answering(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
    stream = client.run(system.events())
    assert stream.read() == b"abcde"
    stream.close()


def test_a_torn_stream_is_an_error(engine: Engine) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    client = engine.serve(engine.answering(head + b"3\r\nab"))
    stream = client.run(system.events())
    with pytest.raises(ProtocolError, match="in the middle"):
        stream.read()
    stream.close()


@pytest.mark.parametrize("status", [b"101 UPGRADED", b"200 OK"])
def test_a_hijacked_connection_is_raw_and_half_closes(engine: Engine, status: bytes) -> None:
    def converse(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\n\r\nhello ")  # bytes behind the head
        received = b""
        while data := connection.recv(100):
            received += data
        connection.sendall(b"got " + received)

    stream = engine.serve(converse).run(containers.attach("web", stdin=True, stdout=True))
    assert stream.has_pending()
    assert stream.receive() == b"hello "
    assert stream.send(b"input") == 5
    stream.close_write()
    assert stream.read() == b"got input"
    stream.close()


def test_a_refused_hijack_is_an_error(engine: Engine) -> None:
    client = engine.serve(engine.answering(answer(b'{"message":"paused"}', "409 Conflict")))
    with pytest.raises(ApiError, match="paused"):
        client.run(containers.attach("web"))


def test_an_archive_is_sent_in_chunks(engine: Engine) -> None:
    received = bytearray()

    def converse(connection: socket.socket) -> None:
        while not received.endswith(b"0\r\n\r\n"):
            received.extend(connection.recv(65536))
        connection.sendall(answer(b'{"stream":"Loaded image: x"}\n'))

    stream = engine.serve(converse).run(images.load([b"abc", b"", b"de"]))
    assert stream.read() == b'{"stream":"Loaded image: x"}\n'
    stream.close()
    assert bytes(received).endswith(b"\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")


def test_an_engine_that_closes_without_an_answer(engine: Engine) -> None:
    client = engine.serve(engine.answering(b""))
    with pytest.raises(ProtocolError, match="without an answer"):
        client.run(system.ping())


def test_nobody_listens(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/none.sock"
    with pytest.raises(ConnectionFailed) as caught:
        Client(address.parse(url)).run(system.ping())
    assert str(caught.value) == (
        f"Cannot connect to the Docker daemon at {url}. Is the docker daemon running?"
    )


def test_a_socket_that_we_may_not_use() -> None:
    def refuse(*_: object) -> object:
        raise PermissionError(13, "Permission denied")

    from lading.sdk import client

    original = client._open
    client._open = refuse  # type: ignore[assignment]  # root may open every socket
    try:
        with pytest.raises(ConnectionRefusedByMode, match="permission denied while trying"):
            client.connect(address.parse("unix:///x"))
    finally:
        client._open = original
