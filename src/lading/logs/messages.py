"""Chunks taken apart for receivers that want a message per line, as Docker's drivers send them.

A line of more than 16 KiB goes out in parts: all have the line's time and its id, each its number,
and the last one says that it is the last.
"""

import secrets
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lading.logs.driver import Chunk
from lading.logs.lines import PARTIAL


class Part(NamedTuple):
    """Which piece of a long line a message is; numbers begin at 1."""

    id: str
    ordinal: int
    is_last: bool


class Message(NamedTuple):
    """A line, or a part of one, without its line feed."""

    stream: int
    time_ns: int
    text: bytes
    part: Part | None = None


class Splitter:
    """Makes messages of one sink's chunks; remembers which long lines have begun.

    A sink that is opened anew has a new one: the rest of a line then counts as another line.
    """

    def __init__(self) -> None:
        self._begun: dict[int, tuple[Part, int]] = {}  # stream: the last part sent, its time

    def feed(self, chunks: Iterable[Chunk]) -> Iterator[Message]:
        """The messages of these chunks, in order."""
        for chunk in chunks:
            lines = chunk.text.split(b"\n")
            unended = lines.pop()
            for line in lines:
                if len(line) <= PARTIAL and chunk.stream not in self._begun:
                    yield Message(chunk.stream, chunk.time_ns, line)
                else:
                    yield from self._parts(chunk, line, has_end=True)
            if unended:
                yield from self._unended(chunk, unended)

    def _unended(self, chunk: Chunk, text: bytes) -> Iterator[Message]:
        if len(text) > PARTIAL or chunk.stream in self._begun:
            yield from self._parts(chunk, text, has_end=False)
        else:  # the last words of a program that did not end its line
            yield Message(chunk.stream, chunk.time_ns, text)

    def _parts(self, chunk: Chunk, text: bytes, *, has_end: bool) -> Iterator[Message]:
        part, time_ns = self._begun.pop(chunk.stream, (Part("", 0, False), chunk.time_ns))
        line_id = part.id or secrets.token_hex(32)
        pieces = [text[start : start + PARTIAL] for start in range(0, len(text), PARTIAL)] or [b""]
        for number, piece in enumerate(pieces, 1):
            is_last = has_end and number == len(pieces)
            part = Part(line_id, part.ordinal + 1, is_last)
            yield Message(chunk.stream, time_ns, piece, part)
        if not has_end:
            self._begun[chunk.stream] = (part, time_ns)
