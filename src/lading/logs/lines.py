"""From records to what `logs` was asked for: lines of some streams, in a span of time, the last n.

A record is the bytes of one read, so a line may span records and a record may hold many lines. A
line has the time of the record in which it began. Semantics: GET /containers/{id}/logs.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lading.logs.cursor import Record


class LogQuery(NamedTuple):
    """What is wanted. Times are nanoseconds since 1970 (0: open); `tail` None means all."""

    stdout: bool = True
    stderr: bool = True
    since_ns: int = 0
    until_ns: int = 0
    tail: int | None = None
    timestamps: bool = False
    details: str = ""  # text set before each line, "" for none

    def is_plain(self) -> bool:
        """Whether records can be handed on as they are, without looking for lines."""
        return not (
            self.since_ns or self.until_ns or self.timestamps or self.details
        ) and self.tail in (None, 0)

    def wants(self, stream: int) -> bool:
        """Whether this stream (1 stdout, 2 stderr) was asked for."""
        return self.stdout if stream == 1 else self.stderr


class LineSelector:
    """Feeds records in, takes chosen lines out as (stream, bytes); keeps unfinished lines."""

    def __init__(self, query: LogQuery) -> None:
        self._query = query
        self._unfinished: dict[int, tuple[int, bytes]] = {}
        self.is_past_until = False  # a record later than `until` was seen: nothing more will match

    def feed(self, records: Iterable[Record]) -> Iterator[tuple[int, bytes]]:
        """The lines that these records complete."""
        for record in records:
            if not self._query.wants(record.stream):
                continue
            if self._query.is_plain():
                yield record.stream, record.payload
            else:
                yield from self._split(record)

    def flush(self) -> Iterator[tuple[int, bytes]]:
        """The unfinished lines, once no more output can come."""
        for stream, (time_ns, text) in sorted(self._unfinished.items()):
            yield from self._choose(stream, time_ns, text)
        self._unfinished.clear()

    def last(self, records: Iterable[Record]) -> Iterator[tuple[int, bytes]]:
        """The last `tail` lines of all that is there, less the unfinished ones kept for `flush`."""
        kept = deque(self.feed(records), maxlen=self._query.tail)
        # unfinished lines count, but stay for `flush` or for the record that completes them
        room = max((self._query.tail or 0) - len(self._unfinished), 0)
        yield from list(kept)[len(kept) - min(room, len(kept)) :]

    def _split(self, record: Record) -> Iterator[tuple[int, bytes]]:
        time_ns, begun = self._unfinished.pop(record.stream, (record.time_ns, b""))
        for line in _lines(begun + record.payload):
            if line.endswith(b"\n"):
                yield from self._choose(record.stream, time_ns, line)
                time_ns = record.time_ns
            else:
                self._unfinished[record.stream] = (time_ns, line)

    def _choose(self, stream: int, time_ns: int, line: bytes) -> Iterator[tuple[int, bytes]]:
        query = self._query
        if query.until_ns and time_ns > query.until_ns:
            self.is_past_until = True
            return
        if time_ns < query.since_ns:
            return
        yield stream, _stamp(time_ns, query) + line


def _lines(data: bytes) -> list[bytes]:
    """Split at newlines only (bytes.splitlines would also split at a carriage return)."""
    lines = data.split(b"\n")
    rest = lines.pop()
    complete = [line + b"\n" for line in lines]
    return [*complete, rest] if rest else complete


def _stamp(time_ns: int, query: LogQuery) -> bytes:
    details = query.details.encode() + b" " if query.details else b""
    if not query.timestamps:
        return details
    return format_time(time_ns).encode() + b" " + details


def format_time(time_ns: int) -> str:
    """RFC 3339 with nine digits, UTC: 2026-11-23T20:46:39.000000001Z."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    moment = time.gmtime(seconds)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{nanoseconds:09d}Z"
