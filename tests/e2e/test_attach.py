"""Attaching: over websockets, and with the old output before the new."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Engine

    Until = Callable[[Callable[[], bool]], None]

NAME = "attached"


@pytest.fixture
def start(engine: Engine) -> Iterator[Callable[..., None]]:
    def start(script: str, **config: object) -> None:
        host = {"NetworkMode": "none"}
        words = {"Image": "base", "Cmd": ["sh", "-c", script], "HostConfig": host, **config}
        engine.post(f"/containers/create?name={NAME}", words)
        engine.post(f"/containers/{NAME}/start")

    yield start
    engine.call("DELETE", f"/containers/{NAME}?force=1")


def raw_attach(engine: Engine, query: str) -> socket.socket:
    """An attached connection, after the head."""
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(30)
    connected.connect(engine.socket)
    line = f"POST /containers/{NAME}/attach?{query} HTTP/1.1\r\nHost: x\r\n"
    connected.sendall(f"{line}Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connected.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connected


def everything(connected: socket.socket) -> bytes:
    with connected:
        received = b"".join(iter(lambda: connected.recv(65536), b""))
    text = b""
    while received:  # frames: stream, 3 zeros, length
        size = int.from_bytes(received[4:8], "big")
        text += received[8 : 8 + size]
        received = received[8 + size :]
    return text


def test_old_output_goes_over_into_new_without_a_seam(
    engine: Engine, start: Callable[..., None]
) -> None:
    start("n=0; while [ $n -lt 3000 ]; do n=$((n+1)); echo $n; done; sleep 1")
    found: list[bytes] = []
    readers = []
    for _ in range(5):  # while it writes
        connected = raw_attach(engine, "logs=1&stream=1&stdout=1")
        readers.append(threading.Thread(target=lambda c=connected: found.append(everything(c))))
        readers[-1].start()
        time.sleep(0.02)
    for reader in readers:
        reader.join()
    assert found == [b"".join(b"%d\n" % n for n in range(1, 3001))] * 5


def test_old_output_alone_ends(engine: Engine, start: Callable[..., None]) -> None:
    start("echo old; sleep 60")
    while not (text := everything(raw_attach(engine, "logs=1&stdout=1"))):
        time.sleep(0.02)
    assert text == b"old\n"


def test_a_websocket_carries_both_directions(engine: Engine, start: Callable[..., None]) -> None:
    library = pytest.importorskip("websocket")
    start("echo ready; read line; echo got $line >&2", OpenStdin=True, StdinOnce=True)
    url = f"ws://engine/containers/{NAME}/attach/ws?logs=1&stream=1&stdin=1&stdout=1&stderr=1"
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(20)
    connected.connect(engine.socket)
    client = library.create_connection(url, socket=connected)
    with connected, contextlib.closing(client):
        assert client.recv() == b"ready\n"
        client.ping(b"x")
        client.send_binary(b"hel")
        client.send("lo\n")
        assert client.recv() == b"got hello\n"
        opcode, frame = client.recv_data()
        assert (opcode, frame[:2]) == (8, b"\x03\xe8")  # it has ended, and says so


def test_detach_keys_work_over_a_websocket(engine: Engine, start: Callable[..., None]) -> None:
    library = pytest.importorskip("websocket")
    start("sleep 60", OpenStdin=True, Tty=True)
    url = f"ws://engine/containers/{NAME}/attach/ws?stream=1&stdin=1&stdout=1&detachKeys=a,b"
    connected = socket.socket(socket.AF_UNIX)
    connected.settimeout(20)
    connected.connect(engine.socket)
    client = library.create_connection(url, socket=connected)
    with connected, contextlib.closing(client):
        client.send_binary(b"xab")
        while client.connected and client.recv_data()[0] != 8:
            continue
    assert engine.get(f"/containers/{NAME}/json")["State"]["Running"]


def test_what_is_no_websocket_is_refused(engine: Engine, start: Callable[..., None]) -> None:
    start("true")
    status, body = engine.call("GET", f"/containers/{NAME}/attach/ws?stream=1")
    assert (status, b"not websocket protocol" in body) == (400, True)
