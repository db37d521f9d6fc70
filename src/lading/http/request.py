"""One request: a head that is here, and a body that comes when it is asked for."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from lading.errors import InvalidArgument
from lading.http.lent_body import LentBody
from lading.http.peer import Peer


class BodyTooLarge(InvalidArgument):
    """request body too large: more than {0} bytes"""


class Body(Protocol):
    """Where the bytes of a body come from."""

    async def read_some(self) -> bytes:
        """The next bytes, b"" after the last. Raises ClientGone."""

    def lent(self) -> AbstractContextManager[LentBody | None]:
        """The body for a blocking thread, if it can be had so; before anything of it was read."""


class Request:
    """A request as it arrived. `path` and `query` are still percent-encoded."""

    __slots__ = (
        "_body",
        "_limit",
        "_peer",
        "_read",
        "headers",
        "method",
        "path",
        "query",
        "target",
    )

    def __init__(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: Body,
        *,
        body_bytes: int,
        peer: Callable[[], Peer] | None = None,
    ) -> None:
        self.method = method
        self.target = target
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self._body = body
        self._limit = body_bytes
        self._read: bytes | None = None
        self._peer = peer

    @property
    def peer(self) -> Peer:
        """Who asks."""
        return self._peer() if self._peer else Peer("")

    def header(self, name: str) -> str | None:
        """The first header of that name (given in small letters), or None."""
        wanted = name.encode()
        for key, value in self.headers:
            if key == wanted:
                return value.decode("latin-1")
        return None

    @property
    def upgrade(self) -> str | None:
        """The protocol that the client would like to change to, in small letters."""
        tokens = (self.header("connection") or "").lower().replace(" ", "").split(",")
        return (self.header("upgrade") or "").lower() or None if "upgrade" in tokens else None

    @property
    def has_body(self) -> bool:
        """Whether the head announces a body (which may still turn out empty when chunked)."""
        length = self.header("content-length")
        return self.header("transfer-encoding") is not None or (length or "0").strip("0") != ""

    @property
    def body(self) -> "Upload":
        """The body for whoever can read it in a thread."""
        return Upload(self)

    async def iter_body(self) -> AsyncIterator[bytes]:
        """The body as it arrives, in pieces of no particular size; only once, unless `read`."""
        if self._read is not None:
            if self._read:
                yield self._read
            return
        while data := await self._body.read_some():
            yield data

    def lend(self) -> AbstractContextManager[LentBody | None]:
        """See Upload.lent."""
        return nullcontext() if self._read is not None else self._body.lent()

    async def read(self) -> bytes:
        """The whole body; again and again the same. Raises BodyTooLarge (400)."""
        if self._read is None:
            received = bytearray()
            async for data in self.iter_body():
                received += data
                if len(received) > self._limit:
                    raise BodyTooLarge(self._limit)
            self._read = bytes(received)
        return self._read


class Upload:
    """A large body: chunks on the event loop, or a source for a thread, whichever can be had."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._request.iter_body()

    def lent(self) -> AbstractContextManager[LentBody | None]:
        """A source for one blocking thread, for the time of the block; None: iterate instead."""
        return self._request.lend()
