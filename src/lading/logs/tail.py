"""Where the last n lines begin: found by walking the records backwards from the end.

A line may lie in several records, and those of the other stream may lie between them, so the answer
is a place for each stream. Only as much is read as holds the lines; memory does not grow with it.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

from lading.logs import segment_files
from lading.logs.cursor import Record
from lading.logs.segment_files import CHUNK, is_head
from lading.runtime.segments import FLAG_LOST, HEADER, MAX_PAYLOAD, OVERHEAD, TRAILER

FIRST_CHUNK = 64 << 10  # the last lines are usually few


class Place(NamedTuple):
    """Where a stream's first wanted line begins: a record, and an offset in its payload."""

    position: int
    offset: int


BEGINNING = Place(0, 0)


class Tail(NamedTuple):
    """From which position to read, and what to leave out of the records that follow it."""

    position: int
    places: dict[int, Place]

    def cut(self, records: list[Record], end: int) -> list[Record]:
        """What belongs to the tail of the records of one read; `end` is the position after them."""
        if all(end <= place.position for place in self.places.values()):
            return []
        kept: list[Record] = []
        for record in reversed(records):
            if record.is_marker:
                kept.append(record)
                end -= OVERHEAD + len(record.payload) if record.payload else 0
                continue
            end -= OVERHEAD + len(record.payload)
            place = self.places.get(record.stream, BEGINNING)
            if end > place.position:
                kept.append(record)
            elif end == place.position:
                kept.append(record._replace(payload=record.payload[place.offset :]))
        kept.reverse()
        return kept


def find(
    directory: str, count: int, streams: frozenset[int], *, since_ns: int = 0, until_ns: int = 0
) -> Tail:
    """The last `count` (at least one) lines of those streams that lie within the times."""
    search = _Search(count, streams)
    start = 0
    for position, record in iter_backwards(directory):
        if record.time_ns < since_ns:
            search.count_no_more()
            if search.is_done:
                break
        start = position
        if until_ns and record.time_ns > until_ns:
            continue
        if record.stream in streams and not record.is_marker:
            search.add(position, record)
            if search.is_done:
                break
    return Tail(start, {stream: search.place(stream) for stream in streams})


class _Search:
    """Counts lines from the end; finds for each stream where its first counted line begins."""

    def __init__(self, count: int, streams: frozenset[int]) -> None:
        self._left = count  # lines that may still be taken
        self._open = dict.fromkeys(streams, False)  # a counted line of it reaches further back
        self._places: dict[int, Place] = {}

    @property
    def is_done(self) -> bool:
        """Whether all lines are counted and the beginning of each is known."""
        return not self._left and not any(self._open.values())

    def count_no_more(self) -> None:
        """What is older does not count, but a line that was counted may begin there."""
        self._left = 0

    def place(self, stream: int) -> Place:
        """Where the first counted line begins, once all has been added."""
        return BEGINNING if self._open[stream] else self._places.get(stream, BEGINNING)

    def add(self, position: int, record: Record) -> None:
        """The next older record of one of the streams."""
        stream, payload = record.stream, record.payload
        end = before = len(payload)  # of an open line: whatever newline is here is not its own
        while True:
            if not self._open[stream]:
                if not self._left or not end:
                    self._places.setdefault(stream, Place(position, end))
                    return
                self._left -= 1
                self._open[stream] = True
                before = end - (payload[end - 1 : end] == b"\n")
            end = before = payload.rfind(b"\n", 0, before) + 1
            if not end:
                return  # the line began in an earlier record
            self._open[stream] = False
            self._places[stream] = Place(position, end)


def iter_backwards(directory: str) -> Iterator[tuple[int, Record]]:
    """Positions and records, newest first."""
    for number in reversed(segment_files.numbers(directory)):
        try:
            descriptor = segment_files.open_segment(directory, number)
        except FileNotFoundError:  # removed meanwhile, and what is older was before it
            return
        try:
            for offset, record in _segment_backwards(descriptor):
                yield number << 32 | offset, record
        finally:
            os.close(descriptor)


def _segment_backwards(descriptor: int) -> Iterator[tuple[int, Record]]:
    end, size = segment_files.whole_end(descriptor), FIRST_CHUNK
    while end:
        size = min(size, end)
        data = os.pread(descriptor, size, end - size)
        found = list(_records_backwards(data))
        for start, record in found:
            yield end - size + start, record
        if found:
            end -= size - found[-1][0]
        elif size >= min(end, CHUNK):
            return  # damaged
        size = CHUNK


def _records_backwards(data: bytes) -> Iterator[tuple[int, Record]]:
    end = len(data)
    while end >= OVERHEAD:
        (length,) = TRAILER.unpack_from(data, end - TRAILER.size)
        start = end - OVERHEAD - length
        if start < 0 or length > MAX_PAYLOAD or not is_head(data, start, length):
            return
        _, stream, flags, _, time_ns = HEADER.unpack_from(data, start)
        payload = data[start + HEADER.size : end - TRAILER.size]
        yield start, Record(stream, time_ns, payload, flags & FLAG_LOST)
        end = start
