"""One call of the API: what a route gets, and how it answers.

Documents go through here in both directions, so that versions and Docker's manners are kept in one
place: `Call.document` reads a body, `Call.reply` writes an answer.
"""

from typing import Any, TypeVar

import msgspec

from lading.api import versions
from lading.api.backend import Backend
from lading.api.query import Query
from lading.api.versions import ApiVersion
from lading.errors import InvalidArgument
from lading.http import Request, Response
from lading.wire import codec

T = TypeVar("T")
JSON = [("Content-Type", "application/json")]


class BadContentType(InvalidArgument):
    """unsupported Content-Type header ({0}): must be 'application/json'"""


class MalformedContentType(InvalidArgument):
    """malformed Content-Type header (): mime: no media type"""


class Call:
    """A request that has found its route. `name` is the id, name or reference in the path."""

    __slots__ = ("backend", "name", "query", "request", "version")

    def __init__(self, backend: Backend, request: Request, version: ApiVersion, name: str) -> None:
        self.backend = backend
        self.request = request
        self.version = version
        self.name = name
        self.query = Query(request.query)

    def is_at_least(self, version: str) -> bool:
        """Whether the client speaks that version or a newer one."""
        return self.version >= ApiVersion.parse(version)

    async def document(self, kind: type[T]) -> T:
        """The body as that document, without what the client's version does not know.

        Raises InvalidArgument.
        """
        if self.request.has_body:
            _require_json(self.request.header("content-type"))
        asked = codec.decode(await self.request.read(), kind)
        if not self._differs(kind):
            return asked
        plain = versions.fit(msgspec.to_builtins(asked), kind, self.version)
        return msgspec.convert(plain, kind)

    def reply(self, document: Any, *, status: int = 200) -> Response:
        """The document, or a list of such documents, as the client's version knows them."""
        return Response(status, self.encode(document) + b"\n", headers=JSON)

    def encode(self, document: Any) -> bytes:
        """The JSON of a document or of a list of documents of one kind."""
        items = document if isinstance(document, list) else [document]
        kind = type(items[0]) if items else dict
        if not self._differs(kind):
            return codec.encode(document)
        fitted = [versions.fit(msgspec.to_builtins(i), kind, self.version) for i in items]
        return codec.encode(fitted if isinstance(document, list) else fitted[0])

    def _differs(self, kind: Any) -> bool:
        """Whether the client knows that document otherwise than we do."""
        return bool(versions.fields_to_change(kind, self.version))


def _require_json(content_type: str | None) -> None:
    if not content_type:
        raise MalformedContentType
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise BadContentType(content_type)
