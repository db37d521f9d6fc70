"""syslog over TLS: who is trusted, and how messages are framed there."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading.logs import driver as drivers
from lading.logs.driver import Chunk, Place, SinkDown
from lading.logs.tag import TagSource
from lading.runtime.segments import STDOUT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PEM = str(Path(__file__).parents[2] / "http" / "localhost.pem")  # signed by itself
SOURCE = TagSource("a" * 64, "web", "sha256:" + "b" * 64, "base", "sh", "host")
LINES = [Chunk(STDOUT, 1, b"one\n"), Chunk(STDOUT, 2, b"two\n")]


def delivered(options: dict[str, str]) -> bytes:
    """What a server with our certificate receives."""
    received, arrived = bytearray(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            received.extend(data)
            if b"two" in received:
                arrived.set()
        writer.close()

    async def run(handler: Callable[..., Awaitable[None]]) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(PEM)
        async with await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            given = options | {"syslog-address": f"tcp+tls://localhost:{port}"}
            sink = await drivers.find("syslog").open(Place(SOURCE, "", given, {}))
            try:
                await sink.send(LINES)
                await asyncio.wait_for(arrived.wait(), 10)
            finally:
                await sink.close()

    asyncio.run(run(serve))
    return bytes(received)


def test_messages_are_counted_over_tls() -> None:
    data = delivered({"syslog-tls-ca-cert": PEM, "syslog-format": "rfc5424"})
    found = []
    while data:  # RFC 5425, section 4.3: LENGTH SP MESSAGE
        length, _, rest = data.partition(b" ")
        found.append(rest[: int(length)])
        data = rest[int(length) :]
    assert [message.rsplit(b" ", 1)[1] for message in found] == [b"one\n", b"two\n"]


def test_a_stranger_is_not_trusted() -> None:
    with pytest.raises(SinkDown, match="CERTIFICATE_VERIFY_FAILED"):
        delivered({})


def test_unless_that_is_asked_for() -> None:
    assert delivered({"syslog-tls-skip-verify": ""}).count(b"\n") == 2


def test_files_that_are_not_there_are_told() -> None:
    with pytest.raises(SinkDown, match="TLS files"):
        delivered({"syslog-tls-ca-cert": "/nosuch"})
