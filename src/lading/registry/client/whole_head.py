"""A response whose head has arrived to its empty line.

http.client takes the end of a connection for the end of a head: a Location that was cut in the
middle would be believed, and what is sent there be refused for good.
"""

import http.client
from typing import Any, BinaryIO


class CutHead(http.client.HTTPException):
    """The connection ended within the head; what Go says of it."""

    def __str__(self) -> str:
        return "unexpected EOF"


class WholeHead(http.client.HTTPResponse):
    """Raises CutHead from `begin`."""

    fp: Any  # io.BufferedReader, until the response is closed

    def begin(self) -> None:
        """Read the head."""
        lines = self.fp = _Lines(self.fp)
        try:
            super().begin()
        finally:
            if self.fp is lines:  # else it was closed
                self.fp = lines.file
        if not lines.last:
            raise CutHead


class _Lines:
    """A file that knows the last line which was read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.last = b""
        self.close = file.close

    def readline(self, limit: int) -> bytes:
        self.last = self.file.readline(limit)
        return self.last
