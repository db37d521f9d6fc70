"""Request and Response: the two values that calls and drivers exchange.

    def pause(name: str) -> Call[None]:
        yield Request("POST", f"/containers/{quote(name)}/pause")

A driver sends the request, and on a status of 400 or more throws `ApiError` into the call, so a
call only says what it wants. Three kinds of answers, by `Request.answer`:

    BUFFERED   `Response.body` holds all of it
    STREAMED   `Response.stream` gives it piece by piece, as the driver's own stream type
    HIJACKED   the connection leaves HTTP (101, or 200 from old engines); `Response.stream` is raw
"""

from __future__ import annotations

from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from typing import Any, TypeAlias, TypeVar

    from lading.sdk.client import RawStream

    T = TypeVar("T")
    Call: TypeAlias = Generator["Request", "Response", T]
    # A JSON object as Docker's API defines it; its types are known to the engine, not to us.
    Document: TypeAlias = dict[str, Any]

BUFFERED = 0
STREAMED = 1
HIJACKED = 2

_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")


class Request:
    """One HTTP request. `document` becomes a JSON body; `chunks` a chunked one (an archive).

    `versioned` False leaves the path as it is: our own verbs are no part of Docker's versions.
    """

    __slots__ = ("answer", "chunks", "document", "headers", "method", "path", "query", "versioned")

    def __init__(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        document: object = None,
        chunks: Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        answer: int = BUFFERED,
        versioned: bool = True,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query or {}
        self.document = document
        self.chunks = chunks
        self.headers = headers or {}
        self.answer = answer
        self.versioned = versioned

    def target(self, api_version: str) -> str:
        """The request target: `/v1.51/containers/json?all=1`."""
        prefix = f"/v{api_version}" if self.versioned and api_version else ""
        query = encode_query(self.query)
        return f"{prefix}{self.path}?{query}" if query else prefix + self.path


class Response:
    """What came back; header names in small letters."""

    __slots__ = ("body", "headers", "status", "stream")

    def __init__(
        self, status: int, headers: dict[str, str], body: bytes, stream: RawStream | None = None
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream

    def json(self) -> Any:
        return json_text.loads(self.body) if self.body else None

    def opened(self) -> RawStream:
        """The stream of a STREAMED or HIJACKED answer."""
        assert self.stream is not None, "the request asked for a buffered answer"
        return self.stream


def quote(text: str, safe: str = "") -> str:
    """Percent-encode what may not stand in a path segment or query value (RFC 3986, 2.1)."""
    if text.isalnum() and text.isascii():
        return text
    kept = _UNRESERVED.union(safe.encode()) if safe else _UNRESERVED
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode())


def encode_query(query: Mapping[str, object]) -> str:
    """`a=1&b=x`: None is left out, booleans are 1 and 0, lists repeat their key."""
    pairs = []
    for key, value in query.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                text = str(int(item)) if isinstance(item, bool) else str(item)
                pairs.append(f"{quote(key)}={quote(text)}")
    return "&".join(pairs)


def encode_filters(filters: Mapping[str, list[str]]) -> str | None:
    """Docker's `filters` parameter, or None when there is none."""
    return json_text.dumps(dict(filters)) if filters else None
