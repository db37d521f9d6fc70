"""Answers to bytes: heads, whole bodies, chunks, files. No state but h11's, which it is given.

What is sent in one go is written in one go: a small answer is one system call.
"""

import asyncio
import errno
import http
import os
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from io import FileIO
from typing import Any

import h11

from lading.http.flow import ClientGone
from lading.http.response import FileResponse, Hijack, Response, StreamResponse
from lading.http.tls import TLSTransport

FILE_PIECE = 256 * 1024
_REASONS = {status.value: status.phrase.encode() for status in http.HTTPStatus}
_NO_BODY = (204, 304)  # RFC 9110 sections 15.3.5 and 15.4.5

Write = Callable[[bytes], Awaitable[None]]


async def send_response(
    response: Response,
    parser: h11.Connection,
    transport: asyncio.Transport,
    write: Write,
    *,
    head_only: bool,
) -> None:
    """Send the answer. Raises ClientGone when the client is gone, and what `chunks` raises."""
    if isinstance(response, StreamResponse):
        await _send_stream(response, parser, write, head_only=head_only)
    elif isinstance(response, FileResponse):
        await _send_file(response, parser, transport, write, head_only=head_only)
    else:
        out = _head(response, parser, len(response.body))
        if response.body and not head_only and response.status not in _NO_BODY:
            out += _encode(parser, h11.Data(data=response.body))
        await write(out + _encode(parser, h11.EndOfMessage()))


def upgrade_head(response: Hijack, protocol: str | None) -> bytes:
    """The head after which HTTP is over; docker's clients want the reason to be UPGRADED."""
    lines = [b"HTTP/1.1 101 UPGRADED" if protocol else b"HTTP/1.1 200 OK"]
    headers = list(response.headers)
    if protocol:
        headers += [("Connection", "Upgrade"), ("Upgrade", protocol)]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def plain_refusal(status: int, reason: str) -> bytes:
    """A whole answer in text, for who did not speak HTTP to us."""
    phrase = _REASONS.get(status, b"Error").decode()
    body = f"{status} {phrase}: {reason}\n".encode()
    head = (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _encode(parser: h11.Connection, event: h11.Event) -> bytes:
    return parser.send(event) or b""


def _head(response: Response, parser: h11.Connection, length: int | None) -> bytes:
    """The status line and headers; a length of None streams."""
    headers = [*response.headers, ("Date", _date())]
    if length is not None and response.status not in _NO_BODY:
        headers.append(("Content-Length", str(length)))
    reason = _REASONS.get(response.status, b"")
    return _encode(
        parser, h11.Response(status_code=response.status, headers=headers, reason=reason)
    )


async def _send_stream(
    response: StreamResponse, parser: h11.Connection, write: Write, *, head_only: bool
) -> None:
    try:
        await write(_head(response, parser, None))
        if not head_only:
            async for chunk in response.chunks:
                if chunk:
                    await write(_encode(parser, h11.Data(data=chunk)))
        await write(_encode(parser, h11.EndOfMessage()))
    finally:
        aclose = getattr(response.chunks, "aclose", None)
        if aclose is not None:
            await aclose()


async def _send_file(
    response: FileResponse,
    parser: h11.Connection,
    transport: asyncio.Transport,
    write: Write,
    *,
    head_only: bool,
) -> None:
    with response.file:
        await write(_head(response, parser, response.size))
        if response.size and not head_only:
            await _move_file(response, transport, write)
            # h11 counts what went out; it is told the length, not given the bytes
            length: Any = _Length(response.size)
            parser.send_with_data_passthrough(h11.Data(data=length))
        await write(_encode(parser, h11.EndOfMessage()))


async def _move_file(response: FileResponse, transport: asyncio.Transport, write: Write) -> None:
    if isinstance(transport, TLSTransport):  # the kernel cannot encipher for us
        sent = await _copy_file(response.file, response.offset, response.size, write)
    else:
        loop = asyncio.get_running_loop()
        try:
            sent = await loop.sendfile(transport, response.file, response.offset, response.size)
        except ConnectionError as error:
            raise ClientGone from error
    if sent != response.size:
        raise OSError(errno.EIO, "file became shorter while it was sent")


async def _copy_file(file: FileIO, offset: int, size: int, write: Write) -> int:
    sent = 0
    while sent < size:
        wanted = min(size - sent, FILE_PIECE)
        piece = await asyncio.to_thread(os.pread, file.fileno(), wanted, offset + sent)
        if not piece:
            break
        await write(piece)
        sent += len(piece)
    return sent


class _Length:
    """Bytes that went out another way; h11 only asks how many."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size


_dated = (0, "")


def _date() -> str:
    """The time as HTTP writes it, made once a second."""
    global _dated
    now = int(time.time())
    if now != _dated[0]:
        _dated = (now, formatdate(now, usegmt=True))
    return _dated[1]
