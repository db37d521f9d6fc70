"""The driver that blocks: runs calls over AF_UNIX or TCP, on `_socket` (`socket` costs 8 ms).

One idle connection is kept for the next buffered request. Streams own their connection.
The newest API version is assumed; an engine that knows only an older one says which, and the
request is sent again with that: negotiation costs nothing where it is not needed.
"""

from __future__ import annotations

import _socket

from lading.sdk import http1, json_text
from lading.sdk.errors import ApiError, ConnectionFailed, ConnectionRefusedByMode, ProtocolError
from lading.sdk.request import BUFFERED, HIJACKED, Response
from lading.version import API_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from lading.sdk.address import Address
    from lading.sdk.request import Call, Request

    T = TypeVar("T")

RECEIVE = 64 * 1024
_TOO_NEW = "Maximum supported API version is "


class RawStream:
    """The bytes of an answer as they come: an HTTP body (`body` decodes it) or, hijacked, raw.

    `fileno()` is for poll; `receive()` returns b"" at the end; `send` and `close_write` only make
    sense when hijacked: closing the write side is how stdin ends while output goes on.
    """

    def __init__(self, sock: _socket.socket, body: http1.Body, rest: bytes) -> None:
        self._socket = sock
        self._body = body
        self._rest = rest

    def fileno(self) -> int:
        return self._socket.fileno()

    def has_pending(self) -> bool:
        """True when `receive` would answer without asking the socket, so poll may not see it."""
        return bool(self._rest) or self._body.done

    def receive(self) -> bytes:
        """Some bytes; b"" when the stream is over. Raises ProtocolError when it is torn."""
        while not self._body.done:
            data, self._rest = self._rest, b""
            data = data or self._receive()
            if not data:
                self._body.finish()
                return b""
            piece = self._body.feed(data)
            if piece:
                return piece
        return b""

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(RECEIVE)
        except ConnectionResetError:
            return b""  # the other side went without a goodbye; the body knows whether it is whole

    def chunks(self) -> Iterator[bytes]:
        while piece := self.receive():
            yield piece

    def read(self) -> bytes:
        return b"".join(self.chunks())

    def send(self, data: bytes) -> int:
        """Send what fits without waiting; 0 when nothing does."""
        try:
            return self._socket.send(data, _socket.MSG_NOSIGNAL | _socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def close_write(self) -> None:
        try:
            self._socket.shutdown(_socket.SHUT_WR)
        except OSError:
            return  # the other side has gone already

    def close(self) -> None:
        self._socket.close()


def connect(address: Address) -> _socket.socket:
    """A connected socket, close-on-exec. Raises ConnectionFailed."""
    try:
        if address.scheme == "unix":
            return _open(_socket.AF_UNIX, address.path)
        return _connect_tcp(address)
    except PermissionError as error:
        raise ConnectionRefusedByMode(address.text, error) from error
    except OSError as error:
        raise ConnectionFailed(address.text, error) from error


def _open(family: int, place: object) -> _socket.socket:
    sock = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        sock.connect(place)  # type: ignore[arg-type]  # str or tuple, by family
        if family != _socket.AF_UNIX:
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)  # keystrokes go at once
    except BaseException:
        sock.close()
        raise
    return sock


def _connect_tcp(address: Address) -> _socket.socket:
    places = _socket.getaddrinfo(address.host, address.port, 0, _socket.SOCK_STREAM)
    problem = OSError("no address")
    for family, _, _, _, place in places:
        try:
            return _open(family, place)
        except OSError as error:
            problem = error
    raise problem


class Client:
    """Runs calls against one engine: `client.run(containers.list_(all=True))`."""

    def __init__(
        self,
        address: Address,
        *,
        api_version: str = API_VERSION,
        connect: Callable[[Address], _socket.socket] = connect,
    ) -> None:
        self.address = address
        self.api_version = api_version
        self._connect = connect
        self._idle: _socket.socket | None = None

    def run(self, call: Call[T]) -> T:
        """Drive a call to its value. Raises ApiError, ConnectionFailed, ProtocolError."""
        try:
            request = next(call)
            while True:
                try:
                    response = self.send(request)
                except ApiError as error:
                    request = call.throw(error)
                else:
                    request = call.send(response)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def send(self, request: Request) -> Response:
        """One request, its answer. Raises ApiError from status 400 on."""
        try:
            return self._exchange(request)
        except ApiError as error:
            older = _older_version(error)
            if not older or older == self.api_version or request.chunks is not None:
                raise
            self.api_version = older
            return self._exchange(request)

    def another(self) -> Client:
        """A client of the same engine with its own connections, for signal handlers."""
        return Client(self.address, api_version=self.api_version, connect=self._connect)

    def dial(self) -> RawStream:
        """A connection on which nothing was said yet; for who speaks HTTP himself."""
        return RawStream(self._connect(self.address), http1.BodyUntilClose(), b"")

    def close(self) -> None:
        if self._idle:
            self._idle.close()
            self._idle = None

    def _exchange(self, request: Request) -> Response:
        data = http1.encode(request, self.address.host_header(), self.api_version)
        sock = None
        if (
            request.chunks is None
        ):  # chunks can be sent once only, so never on a doubtful connection
            sock, self._idle = self._idle, None
        if sock:
            try:
                return self._converse(sock, request, data)
            except _StaleConnection:
                pass  # the engine closed it while it was idle: nothing was done
        try:
            return self._converse(self._connect(self.address), request, data)
        except _StaleConnection:
            raise ProtocolError("the engine closed the connection without an answer") from None

    def _converse(self, sock: _socket.socket, request: Request, data: bytes) -> Response:
        try:
            self._send_all(sock, request, data)
            head, rest = _read_head(sock)
            if request.answer == HIJACKED and head.status in (101, 200):
                stream = RawStream(sock, http1.BodyUntilClose(), rest)
                return Response(head.status, head.headers, b"", stream)
            stream = RawStream(sock, http1.body_of(head, request.method), rest)
            if request.answer != BUFFERED and head.status < 400:
                return Response(head.status, head.headers, b"", stream)
            body = stream.read()
        except BaseException:
            sock.close()
            raise
        self._keep(sock, head)
        if head.status >= 400:
            raise ApiError(_message(head.status, body), head.status)
        return Response(head.status, head.headers, body)

    def _send_all(self, sock: _socket.socket, request: Request, data: bytes) -> None:
        try:
            sock.sendall(data, _socket.MSG_NOSIGNAL)
            for chunk in request.chunks or ():
                if chunk:
                    sock.sendall(http1.encode_chunk(chunk), _socket.MSG_NOSIGNAL)
            if request.chunks is not None:
                sock.sendall(http1.encode_chunk(b""), _socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            return  # an engine may answer (with an error) before it has read everything

    def _keep(self, sock: _socket.socket, head: http1.Head) -> None:
        """Keep the connection for the next request, unless the engine wants to end it."""
        ends_itself = "content-length" in head.headers or head.status in (204, 304)
        if ends_itself and head.keeps_connection() and self._idle is None:
            self._idle = sock
        else:
            sock.close()


class _StaleConnection(Exception):
    """The connection ended before a byte of the answer."""


def _read_head(sock: _socket.socket) -> tuple[http1.Head, bytes]:
    reader = http1.HeadReader()
    while True:
        try:
            data = sock.recv(RECEIVE)
        except ConnectionResetError:
            data = b""
        if not data:
            if reader.is_empty():
                raise _StaleConnection
            raise ProtocolError("the connection ended in the middle of the answer")
        head = reader.feed(data)
        if head:
            return head, reader.rest


def _message(status: int, body: bytes) -> str:
    """Docker's error document is {"message": text}; what is none is shown as it is."""
    try:
        document = json_text.loads(body)
    except ValueError:
        document = None
    if isinstance(document, dict) and document.get("message"):
        return str(document["message"]).strip()
    return body.decode("utf-8", "replace").strip() or f"status {status} without a message"


def _older_version(error: ApiError) -> str | None:
    """The version in `client version 1.51 is too new. Maximum supported API version is 1.41`."""
    _, found, version = error.message.partition(_TOO_NEW)
    return version.split()[0].rstrip(".") if error.status == 400 and found else None
