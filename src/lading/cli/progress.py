"""Progress of a pull or load: a line per layer that changes in place, or plain lines.

On a terminal each id keeps its line and the cursor moves; elsewhere (a pipe, a log, TERM=dumb)
every change of state is printed once and bars are left out. NO_COLOR is about colours: there are
none here.
"""

from __future__ import annotations

import os

from lading import quantities
from lading.cli.failures import Failure
from lading.sdk import json_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO

    from lading.sdk.client import RawStream
    from lading.sdk.request import Document

CLEAR = "\x1b[2K"  # ECMA-48: erase the line
BAR = 30


def show(stream: RawStream, out: TextIO, environ: Mapping[str, str]) -> None:
    """Print the documents as they come. Raises Failure when one is an error."""
    screen = Screen(out) if can_move_cursor(out, environ) else None
    for document in documents(stream):
        if screen:
            screen.update(document)
        else:
            text = plain(document)
            if text:
                out.write(text)
                out.flush()


def documents(stream: RawStream) -> Iterable[Document]:
    """The stream's documents; an error among them is raised as Failure."""
    for document in json_stream.documents(stream.chunks()):
        detail = document.get("errorDetail") or {}
        message = detail.get("message") or document.get("error")
        if message:
            raise Failure(message)
        yield document


def can_move_cursor(out: TextIO, environ: Mapping[str, str]) -> bool:
    return out.isatty() and environ.get("TERM", "dumb") != "dumb" and environ.get("CI") != "true"


def plain(document: Document) -> str:
    """One line, or none for a document that only moves a bar."""
    if document.get("stream"):
        return str(document["stream"])
    if document.get("progressDetail") and "current" in document["progressDetail"]:
        return ""
    status = document.get("status") or ""
    if not status:
        return ""
    prefix = f"{document['id']}: " if document.get("id") else ""
    return f"{prefix}{status}\n"


class Screen:
    """Lines on a terminal; the line of an id is found again by how far up it is."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._line_of: dict[str, int] = {}
        self._lines = 0
        try:
            self._width = os.get_terminal_size(out.fileno()).columns or 80
        except OSError:
            self._width = 80

    def update(self, document: Document) -> None:
        identity = document.get("id")
        detail = document.get("progressDetail")
        if not identity or (detail is None and identity not in self._line_of):
            text = plain(document)
            self._out.write(text)
            self._lines += text.count("\n")
        else:
            self._rewrite(str(identity), document)
        self._out.flush()

    def _rewrite(self, identity: str, document: Document) -> None:
        text = f"{identity}: {document.get('status') or ''}{bar(document, self._width)}"
        text = text[: self._width - 1]  # a line that wraps would be two
        if identity not in self._line_of:
            self._line_of[identity] = self._lines
            self._lines += 1
            self._out.write(text + "\n")
            return
        up = self._lines - self._line_of[identity]
        self._out.write(f"\x1b[{up}A\r{CLEAR}{text}\r\x1b[{up}B")


def bar(document: Document, width: int) -> str:
    """` [=====>     ]  1.2MB/3MB`; only the count when the total is not known."""
    detail = document.get("progressDetail") or {}
    current, total = detail.get("current") or 0, detail.get("total") or 0
    if not current:
        return ""
    if total <= 0:
        return f"  {quantities.format_bytes_3(current)}"
    numbers = f"  {quantities.format_bytes_3(current)}/{quantities.format_bytes_3(total)}"
    if width < 80:
        return numbers
    filled = min(current, total) * BAR // total
    arrow = "=" * max(filled - 1, 0) + ">" if filled < BAR else "=" * BAR
    return f" [{arrow:<{BAR}}]{numbers}"
