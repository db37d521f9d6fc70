"""A stream of JSON objects, one after the other: progress of a pull, events.

Engines write one object a line, but the API only promises objects, so a line break inside one (a
pretty printer between us and the engine) is tolerated: text is kept until it parses.
"""

from __future__ import annotations

from lading.sdk import json_text
from lading.sdk.errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lading.sdk.request import Document

MAX_PENDING = 16 * 1024 * 1024


def documents(chunks: Iterable[bytes]) -> Iterator[Document]:
    """Each object as soon as its line is there. Raises ProtocolError when the end is torn."""
    pending = b""
    for chunk in chunks:
        *lines, tail = chunk.split(b"\n")
        for line in lines:
            pending += line + b"\n"
            value = _try(pending)
            if value is not None:
                yield value
                pending = b""
            if len(pending) > MAX_PENDING:
                raise ProtocolError("the engine sent no JSON")
        pending += tail
    if pending.strip():
        value = _try(pending)
        if value is None:
            raise ProtocolError(f"the engine's answer ends in the middle: {pending[-60:]!r}")
        yield value


def _try(data: bytes) -> Document | None:
    text = data.strip()
    if not text.endswith(b"}"):
        return None
    try:
        value: Document = json_text.loads(text)
    except ValueError:
        return None
    return value
