"""The first bytes of a chunked body, kept from the parser until it is known how the body is read.

    read_some   the common way: `release` gives the parser what was kept, and all that follows
    lent        a thread reads the socket itself; the parser only hears of an empty body that ended

Whoever asks first decides. A parser that has some of the body already cannot give it back, so then
there is nothing to lend.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h11

from lading.http.lent_body import LentBody

_EMPTY_BODY = b"0\r\n\r\n"  # RFC 9112, section 7.1


class Holdback:
    """Of one connection."""

    __slots__ = ("_kept", "is_torn")

    def __init__(self) -> None:
        self._kept: bytes | None = None
        self.is_torn = False  # a lent body was not read to its end: nobody knows where it does

    def begin(self, rest: bytes, event: Any, parser: h11.Connection) -> None:
        """A head was parsed (or not yet); `rest` came behind it in the same packet."""
        self._kept = rest
        if not isinstance(event, h11.Request) or not _may_lend(event, parser):
            self.release(parser)

    def keeps(self, data: bytes) -> bool:
        """Whether these bytes are kept, too; else they are the parser's."""
        if self._kept is None:
            return False
        self._kept += data
        return True

    def release(self, parser: h11.Connection) -> None:
        """The body takes the common way."""
        kept, self._kept = self._kept, None
        if kept:
            parser.receive_data(kept)

    @contextmanager
    def lent(self, descriptor: int, parser: h11.Connection) -> Iterator[LentBody | None]:
        """The body as a source, for the time of the block; None when it takes the common way."""
        kept, self._kept = self._kept, None
        if kept is None:
            yield None
            return
        body = LentBody(descriptor, kept)
        try:
            yield body
        finally:
            body.close()
            self.is_torn = not body.is_over
            if body.is_over:
                parser.receive_data(_EMPTY_BODY + body.rest)


def _may_lend(head: h11.Request, parser: h11.Connection) -> bool:
    """Whether the body is of a form that LentBody reads, comes unasked, and is not begun."""
    names = {name for name, _ in head.headers}
    is_chunked = b"transfer-encoding" in names and not names & {b"expect", b"upgrade"}
    return is_chunked and not parser.trailing_data[0]
