"""From records to what `logs` was asked for: some streams, a span of time, whole lines, with times.

A record is the bytes of one read, so a line may span records and a record may hold many lines. A
line has the time of the record in which it began. Records are worked on as a whole, never line by
line. An unfinished line is kept until its end comes, up to PARTIAL bytes, as Docker keeps it; so a
program that never ends its line costs no memory. Semantics: GET /containers/{id}/logs.
"""

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lading.logs.cursor import Record
from lading.runtime.segments import FLAG_LOST, LOSS, STDERR, STDOUT

PARTIAL = 16 * 1024  # bytes of an unfinished line that wait for its end; Docker's copier's buffer


class LogQuery(NamedTuple):
    """What is wanted. Times are nanoseconds since 1970 (0: open); `tail` None means all."""

    stdout: bool = True
    stderr: bool = True
    since_ns: int = 0
    until_ns: int = 0
    tail: int | None = None
    timestamps: bool = False
    details: str | None = None  # text set before each line, with a space; None for nothing

    @property
    def streams(self) -> frozenset[int]:
        """The numbers of the streams that were asked for."""
        asked = ((STDOUT, self.stdout), (STDERR, self.stderr))
        return frozenset(number for number, is_asked in asked if is_asked)


class _Line:
    """The unfinished line of one stream."""

    __slots__ = ("held", "is_chosen", "is_open")

    def __init__(self) -> None:
        self.is_open = False  # a line has begun and has not ended
        self.is_chosen = True  # its time is one that was asked for
        self.held = b""  # what of it has not been given out


class LineSelector:
    """Feeds records in, takes chosen text out as (stream, bytes): whole lines, if they are not
    very long. With `is_raw` (a terminal's output) nothing waits for the end of its line.
    """

    def __init__(self, query: LogQuery, *, is_raw: bool = False) -> None:
        self._query = query
        self._is_raw = is_raw
        self._lines = {stream: _Line() for stream in query.streams}
        self.is_past_until = False  # a record later than `until` was seen: nothing more will match

    def feed(self, records: Iterable[Record]) -> Iterator[tuple[int, bytes]]:
        """What these records complete."""
        for record in records:
            if record.is_marker:
                yield max(self._query.streams), marker_text(record)
                continue
            line = self._lines.get(record.stream)
            if line is None:
                continue
            if text := self._select(line, record):
                yield record.stream, text

    def flush(self) -> Iterator[tuple[int, bytes]]:
        """The unfinished lines, once no more output can come."""
        for stream, line in sorted(self._lines.items()):
            if line.held:
                yield stream, line.held
                line.held = b""

    def _select(self, line: _Line, record: Record) -> bytes:
        """The text of a record that can be given out now."""
        rest, text = record.payload, b""
        if line.is_open:
            cut = rest.find(b"\n") + 1 or len(rest)
            text = rest[:cut] if line.is_chosen else b""
            line.is_open = not rest.endswith(b"\n", 0, cut)
            rest = rest[cut:]
        if rest:
            line.is_open = not rest.endswith(b"\n")
            line.is_chosen = self._is_chosen(record.time_ns)
            if line.is_chosen:
                text += self._stamped(rest, record.time_ns)
        return self._whole_lines(line, text)

    def _is_chosen(self, time_ns: int) -> bool:
        query = self._query
        if query.until_ns and time_ns > query.until_ns:
            self.is_past_until = True
            return False
        return time_ns >= query.since_ns

    def _stamped(self, text: bytes, time_ns: int) -> bytes:
        """The same lines, each with its time and the container's details before it."""
        stamp = _stamp(time_ns, self._query)
        if not stamp:
            return text
        body, end = (text[:-1], b"\n") if text.endswith(b"\n") else (text, b"")
        return stamp + body.replace(b"\n", b"\n" + stamp) + end

    def _whole_lines(self, line: _Line, text: bytes) -> bytes:
        text, line.held = line.held + text, b""
        if line.is_open and line.is_chosen and not self._is_raw:
            cut = text.rfind(b"\n") + 1
            if len(text) - cut <= PARTIAL:
                text, line.held = text[:cut], text[cut:]
        return text


def marker_text(record: Record) -> bytes:
    """A line that tells of output that is missing."""
    if record.flags & FLAG_LOST and len(record.payload) == LOSS.size:
        lines, size = LOSS.unpack(record.payload)
        return b"[lading: %d lines (%d bytes) were lost here: the log could not be written]\n" % (
            lines,
            size,
        )
    return b"[lading: output was skipped here: the limits of the log removed it unread]\n"


def _stamp(time_ns: int, query: LogQuery) -> bytes:
    details = b"" if query.details is None else query.details.encode() + b" "
    if not query.timestamps:
        return details
    return format_time(time_ns).encode() + b" " + details


def format_time(time_ns: int) -> str:
    """RFC 3339 with nine digits, UTC: 2026-11-23T20:46:39.000000001Z."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    moment = time.gmtime(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{nanoseconds:09d}Z"
