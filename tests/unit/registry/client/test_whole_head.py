"""Heads that end with their connection, at every byte."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from lading.registry.client import Cancellation, Settings, errors
from lading.registry.client.transport import Transport

HEAD = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nLocation: /v2/app/uploads/abc\r\n\r\n"
Answering = Callable[[bytes], str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Gives the URL of a server that says these bytes and closes."""
    opened = []

    def make(answer: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def serve() -> None:
            connected, _ = listener.accept()
            with connected:
                connected.recv(65536)
                connected.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v2/"

    yield make
    for listener in opened:
        listener.close()


def test_a_head_that_is_cut_anywhere_is_no_answer(
    answering: Answering, cancellation: Cancellation
) -> None:
    transport = Transport(Settings())
    for cut in range(1, len(HEAD)):
        with pytest.raises(errors.Unreachable):
            transport.request("POST", answering(HEAD[:cut]), {}, cancellation=cancellation)


def test_a_whole_head_is_read(answering: Answering, cancellation: Cancellation) -> None:
    transport = Transport(Settings())
    with transport.request("POST", answering(HEAD), {}, cancellation=cancellation) as response:
        assert response.headers["Location"] == "/v2/app/uploads/abc"
    transport.close()


def test_what_is_missing_is_told_as_go_does(
    answering: Answering, cancellation: Cancellation
) -> None:
    with pytest.raises(errors.Unreachable, match="unexpected EOF"):
        Transport(Settings()).request("GET", answering(HEAD[:60]), {}, cancellation=cancellation)
