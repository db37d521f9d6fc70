"""The four ways to answer a request. How they reach the socket is `lading.http.connection`'s."""

from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from io import FileIO

from lading.http.stream import RawStream

Headers = Sequence[tuple[str, str]]


class Response:
    """An answer that is complete: its length is sent ahead of it."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int = 200, body: bytes = b"", *, headers: Headers = ()) -> None:
        self.status = status
        self.headers = list(headers)
        self.body = body


class StreamResponse(Response):
    """An answer that comes piece by piece: the head goes out at once, each piece when it is there.

    When `chunks` raises, or the client goes away, the connection is cut, so no client takes half an
    answer for a whole one. If `chunks` has an `aclose` it is called in any case.
    """

    __slots__ = ("chunks",)

    def __init__(
        self, chunks: AsyncIterable[bytes], *, status: int = 200, headers: Headers = ()
    ) -> None:
        super().__init__(status, headers=headers)
        self.chunks = chunks


class FileResponse(Response):
    """`size` bytes of an open file from `offset`, moved by the kernel; the file is closed after."""

    __slots__ = ("file", "offset", "size")

    def __init__(
        self, file: FileIO, *, size: int, offset: int = 0, status: int = 200, headers: Headers = ()
    ) -> None:
        super().__init__(status, headers=headers)
        self.file = file
        self.offset = offset
        self.size = size


class Hijack(Response):
    """The end of HTTP on this connection: `run` gets the raw bytes of both directions.

    A client that asked for an upgrade gets `101` and the name of the protocol it asked for; any
    other gets `200` and raw bytes after the head. The stream is closed when `run` returns.
    """

    __slots__ = ("run",)

    def __init__(
        self, run: Callable[[RawStream], Awaitable[None]], *, headers: Headers = ()
    ) -> None:
        super().__init__(200, headers=headers)
        self.run = run
