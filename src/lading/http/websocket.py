"""WebSockets over a connection that HTTP has let go of, the server's side. RFC 6455.

Messages are not kept apart: their payloads are one stream of bytes, as of `RawStream`, whose place
this takes. What comes is handed on as it arrives, so a frame of any length costs no memory.
"""

import asyncio
import base64
import hashlib

from lading.errors import InvalidArgument
from lading.http.request import Request
from lading.http.response import Headers
from lading.http.stream import RawStream

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10  # section 5.2
FIN, MASKED = 0x80, 0x80
PROTOCOL_ERROR = 1002  # section 7.4.1
NORMAL = 1000
PIECE = 64 * 1024  # bytes of a payload that are handed on at once
MAX_CONTROL = 125  # bytes of the payload of a close, ping or pong


class NotAWebSocket(InvalidArgument):
    """not websocket protocol"""


def accept(request: Request) -> Headers:
    """The headers that agree to a client's handshake. Raises NotAWebSocket."""
    key = request.header("sec-websocket-key")
    version = request.header("sec-websocket-version")
    if request.upgrade != "websocket" or not key or version != "13":
        raise NotAWebSocket
    digest = hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest()
    return [("Sec-WebSocket-Accept", base64.b64encode(digest).decode())]


class BrokenFrame(Exception):
    """The client does not speak the protocol."""


class WebSocket:
    """The bytes of both directions; the client's close frame ends `read`, and it is gone."""

    def __init__(self, stream: RawStream, *, is_binary: bool) -> None:
        self._stream = stream
        self._opcode = BINARY if is_binary else TEXT
        self._left = 0  # bytes of the current frame that have not been read
        self._mask = b""
        self._closed = asyncio.Event()
        self._has_said_close = False

    async def read(self) -> bytes:
        """Some bytes of the client's messages, b"" once it has closed."""
        try:
            while not self._left:
                if not await self._next_frame():
                    await self._say_close(NORMAL)
                    return b""
            data = await self._stream.read(min(self._left, PIECE))
        except BrokenFrame:
            await self._say_close(PROTOCOL_ERROR)
            return b""
        if not data:  # cut off in the middle of a frame
            self._closed.set()
        self._left -= len(data)
        plain = unmask(data, self._mask)
        turn = len(data) % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        return plain

    async def write(self, data: bytes) -> None:
        """Send one message. Raises ClientGone."""
        if self._opcode == TEXT:
            data = data.decode(errors="replace").encode()
        await self._stream.write(frame(self._opcode, data))

    async def wait_gone(self) -> None:
        """Return once the client has closed, or is gone without a word."""
        gone = asyncio.ensure_future(self._stream.wait_gone())
        closed = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait({gone, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            closed.cancel()

    async def finish(self) -> None:
        """Say that nothing more comes, and close."""
        await self._say_close(NORMAL)
        await self._stream.finish()

    async def _say_close(self, code: int) -> None:
        self._closed.set()
        if not self._has_said_close:
            self._has_said_close = True
            try:
                await self._stream.write(frame(CLOSE, code.to_bytes(2, "big")))
            except ConnectionError:
                return  # it did not wait for that

    async def _next_frame(self) -> bool:
        """Read heads up to a frame with data; False when the client closes."""
        head = await self._exactly(2)
        if not head:
            return False
        opcode, length = head[0] & 0x0F, head[1] & 0x7F
        if head[0] & 0x70 or not head[1] & MASKED:  # nothing was agreed on; clients must mask
            raise BrokenFrame
        if length > MAX_CONTROL:
            length = int.from_bytes(await self._exactly(2 if length == 126 else 8), "big")
        self._mask = await self._exactly(4)
        if opcode in (CONTINUATION, TEXT, BINARY):
            self._left = length
            return True
        if length > MAX_CONTROL or not head[0] & FIN or opcode not in (CLOSE, PING, PONG):
            raise BrokenFrame
        payload = unmask(await self._exactly(length), self._mask)
        if opcode == PING:
            await self._stream.write(frame(PONG, payload))
        return opcode != CLOSE

    async def _exactly(self, count: int) -> bytes:
        """So many bytes, or b"" when the client has gone before."""
        found = b""
        while len(found) < count:
            data = await self._stream.read(count - len(found))
            if not data:
                return b""
            found += data
        return found


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole message of the server; servers do not mask. Section 5.2."""
    length = len(payload)
    if length <= MAX_CONTROL:
        head = bytes((FIN | opcode, length))
    elif length < 1 << 16:
        head = bytes((FIN | opcode, 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((FIN | opcode, 127)) + length.to_bytes(8, "big")
    return head + payload


def unmask(data: bytes, mask: bytes) -> bytes:
    """The payload under its mask of four bytes. Section 5.3."""
    if not data or not any(mask):
        return data
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(key, "big")
    return mixed.to_bytes(len(data), "big")
