"""HTTP/1.1 for a client, without I/O: bytes in, messages out (RFC 9112).

`encode` writes a request, `HeadReader` finds the head of the answer, `body_of` picks the decoder
of its body. A decoder is fed bytes, returns the payload among them, and says `done` when the body
is complete; what follows it stays in `rest`.
"""

from __future__ import annotations

from lading.sdk import json_text
from lading.sdk.errors import ProtocolError
from lading.sdk.request import HIJACKED
from lading.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from lading.sdk.request import Request

    Body: TypeAlias = "LengthBody | ChunkedBody | BodyUntilClose"

MAX_HEAD = 256 * 1024  # an engine's head is under 1 KiB; more is not an engine
MAX_CHUNK_LINE = 1024  # a size in hex, and extensions that nobody sends


class Head:
    """Status line and headers; names in small letters, repeated ones joined by a comma."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status = status
        self.headers = headers

    def keeps_connection(self) -> bool:
        return "close" not in self.headers.get("connection", "").lower()


def encode(request: Request, host: str, api_version: str) -> bytes:
    """The head, and the body when it is a document; chunks follow by `encode_chunk`."""
    lines = [
        f"{request.method} {request.target(api_version)} HTTP/1.1",
        f"Host: {host}",
        f"User-Agent: Lading/{VERSION} (linux)",
    ]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.answer == HIJACKED:
        lines += ["Connection: Upgrade", "Upgrade: tcp"]
    body = b""
    if request.document is not None:
        body = json_text.dumps(request.document).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    elif request.chunks is not None:
        lines += ["Content-Type: application/x-tar", "Transfer-Encoding: chunked"]
    elif request.method == "POST":
        lines.append("Content-Length: 0")
    head = "\r\n".join(lines) + "\r\n\r\n"
    if head.count("\r\n") != len(lines) + 1:
        raise ProtocolError("a header or path holds a line break")
    return head.encode("latin-1") + body


def encode_chunk(data: bytes) -> bytes:
    """One chunk; empty data is the last chunk, so callers skip empty pieces."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class HeadReader:
    """Collects bytes until the blank line; interim 1xx heads but 101 are dropped."""

    def __init__(self) -> None:
        self._buffer = b""
        self.rest = b""

    def feed(self, data: bytes) -> Head | None:
        self._buffer += data
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD:
                    raise ProtocolError("the answer's headers are too long")
                return None
            head = parse_head(self._buffer[:end])
            self._buffer = self._buffer[end + 4 :]
            if head.status >= 200 or head.status == 101:
                self.rest = self._buffer
                return head

    def is_empty(self) -> bool:
        return not self._buffer


def parse_head(data: bytes) -> Head:
    """`data` is everything before the blank line."""
    first, *lines = data.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise ProtocolError(f"not an HTTP answer: {first[:60]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ProtocolError(f"malformed header: {line[:60]!r}")
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(int(words[1]), headers)


def body_of(head: Head, method: str) -> Body:
    """The decoder of this answer's body (RFC 9112, section 6.3)."""
    if method == "HEAD" or head.status in (204, 304):
        return LengthBody(0)
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        return ChunkedBody()
    length = head.headers.get("content-length")
    if length is None:
        return BodyUntilClose()
    if not (length.isascii() and length.isdigit()):
        raise ProtocolError(f"malformed Content-Length: {length!r}")
    return LengthBody(int(length))


class LengthBody:
    """A body of known length."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        piece, extra = data[: self._left], data[self._left :]
        self._left -= len(piece)
        self.done = self._left == 0
        self.rest += extra
        return piece

    def finish(self) -> None:
        """The connection ended. Raises ProtocolError when the body had not."""
        if not self.done:
            raise ProtocolError(f"the connection ended {self._left} bytes before the answer did")


class BodyUntilClose:
    """A body that the end of the connection ends."""

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> None:
        self.done = True


class ChunkedBody:
    """Chunked transfer coding (RFC 9112, section 7.1): size line, data, blank; trailers dropped.

    `_state`: "size" wants a size line, "data" wants `_left` bytes, "crlf" the line end behind
    them, "trailer" wants lines up to an empty one.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._state = "size"
        self._left = 0
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        self._buffer += data
        pieces = []
        while self._buffer and not self.done:
            if self._state == "data":
                pieces.append(self._take())
            elif not self._line():
                break
        if self.done:
            self.rest += self._buffer
            self._buffer = b""
        return b"".join(pieces)

    def _take(self) -> bytes:
        piece, self._buffer = self._buffer[: self._left], self._buffer[self._left :]
        self._left -= len(piece)
        if not self._left:
            self._state = "crlf"
        return piece

    def _line(self) -> bool:
        """Consume one line; False when it is not all there yet."""
        end = self._buffer.find(b"\r\n")
        if end < 0 or end > MAX_CHUNK_LINE:
            if len(self._buffer) > MAX_CHUNK_LINE:
                raise ProtocolError("malformed chunk: no line end")
            return False
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        if self._state == "size":
            self._left = _chunk_size(line)
            self._state = "data" if self._left else "trailer"
        elif self._state == "crlf":
            if line:
                raise ProtocolError("malformed chunk: data longer than its size")
            self._state = "size"
        elif not line:
            self.done = True
        return True

    def finish(self) -> None:
        if not self.done:
            raise ProtocolError("the connection ended in the middle of the answer")


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip(b" \t")
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise ProtocolError(f"malformed chunk size: {line[:20]!r}")
    return int(digits, 16)
