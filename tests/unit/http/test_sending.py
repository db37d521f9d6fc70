"""Files go out whole on every transport, and close."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lading.http import FileResponse, Request, Response

Start = Callable[..., Any]


@pytest.mark.parametrize("transport", ["unix", "tcp", "tls"])
def test_a_part_of_a_file_is_sent(start: Start, tmp_path: Path, transport: str) -> None:
    path = tmp_path / "blob"
    content = bytes(range(256)) * 20_000
    path.write_bytes(content)
    opened = []

    async def handler(request: Request) -> Response:
        file = path.open("rb", buffering=0)
        opened.append(file)
        return FileResponse(file, offset=3, size=len(content) - 5)

    running = start(handler)
    client = running.connect(transport)
    for _ in range(2):  # the connection is good for another
        client.send(b"GET / HTTP/1.1\r\nHost: d\r\n\r\n")
        client.receive_until(b"\r\n\r\n")
        received = b""
        while len(received) < len(content) - 5:
            received += client.receive()
        assert received == content[3:-2]
    running.wait_until(lambda: all(file.closed for file in opened))


def test_a_file_that_became_shorter_is_cut(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"short")

    async def handler(request: Request) -> Response:
        return FileResponse(path.open("rb", buffering=0), size=10)

    client = start(handler).connect()
    client.send(b"GET / HTTP/1.1\r\nHost: d\r\n\r\n")
    client.receive_until(b"\r\n\r\n")
    assert len(client.receive_all()) < 10
