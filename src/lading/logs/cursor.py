"""A position in a container's log, and the records that follow it.

A log is a directory of segments; their format and what a position is are described in
`lading.runtime.segments`. A torn record at the end of a segment (the monitor was killed while it
wrote) is passed over when a later segment exists, else waited for. The open segment stays readable
when it is removed; if later ones went unread, that is told by a record of its own.
"""

import os
from typing import NamedTuple

from lading.logs import segment_files
from lading.logs.segment_files import CHUNK
from lading.runtime.segments import FLAG_LOST, HEADER, MAX_PAYLOAD, OVERHEAD, STDERR

FLAG_SKIPPED = 128  # made by a cursor, never stored: segments were removed before they were read


class Record(NamedTuple):
    """The bytes of one read from the container's stdout (stream 1) or stderr (stream 2)."""

    stream: int
    time_ns: int
    payload: bytes
    flags: int = 0

    @property
    def is_marker(self) -> bool:
        """Whether it tells of output that is missing here, and is no output itself."""
        return bool(self.flags & (FLAG_LOST | FLAG_SKIPPED))


class Cursor:
    """Reads forward through the segments of one log directory; use as a context manager."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._descriptor = -1
        self._number = 0
        self._offset = 0  # in the current segment

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def position(self) -> int:
        """Where the next record is looked for."""
        return self._number << 32 | self._offset

    @property
    def segment(self) -> int:
        """The number of the segment that it is in; 0 before the first."""
        return self._number

    def seek(self, position: int) -> None:
        """Go to a position that a cursor has had, or to what is left after it."""
        number, offset = position >> 32, position & 0xFFFFFFFF
        self.close()
        self._number, self._offset = max(number - 1, 0), 0
        if number and self._open(number):
            self._offset = offset

    def seek_end(self) -> None:
        """Go to the end of what has been written, so that only new output is read."""
        while True:
            found = segment_files.numbers(self._directory)
            if not found:
                return
            if self._open(found[-1]):
                self._offset = segment_files.whole_end(self._descriptor)
                return

    def seek_time(self, time_ns: int) -> None:
        """Pass over the segments that ended before a time."""
        numbers = segment_files.numbers(self._directory)
        for number in numbers[:-1]:
            if segment_files.last_write_ns(self._directory, number) >= time_ns:
                break
            self._number = number

    def read(self) -> list[Record]:
        """The next records, about a MiB of them; empty when there is no whole record yet."""
        while True:
            records = self._read_current()
            if records:
                return records
            following = self._following()
            if not following:
                return []
            records = self._read_current()  # once more: now it is complete
            if records:
                return records
            skipped = self._number and following != self._number + 1
            if self._open(following) and skipped:
                return [Record(STDERR, 0, b"", FLAG_SKIPPED)]

    def close(self) -> None:
        """Let the segment go; closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read_current(self) -> list[Record]:
        if self._descriptor < 0:
            return []
        records, used = _parse(os.pread(self._descriptor, CHUNK, self._offset))
        self._offset += used
        return records

    def _following(self) -> int:
        """The number of the next segment, 0 when there is none yet."""
        found = segment_files.numbers(self._directory)
        return next((number for number in found if number > self._number), 0)

    def _open(self, number: int) -> bool:
        """Step to a segment; False when it has just been removed."""
        try:
            descriptor = segment_files.open_segment(self._directory, number)
        except FileNotFoundError:
            return False
        self.close()
        self._descriptor, self._number, self._offset = descriptor, number, 0
        return True


def _parse(data: bytes) -> tuple[list[Record], int]:
    """The whole records at the start of `data`, and how many bytes they take."""
    records: list[Record] = []
    position, end = 0, len(data)
    head, overhead, head_size = HEADER.unpack_from, OVERHEAD, HEADER.size
    while position + overhead <= end:
        length, stream, flags, _reserved, time_ns = head(data, position)
        start = position + head_size
        following = position + overhead + length
        if following > end or length > MAX_PAYLOAD:
            break
        records.append(Record(stream, time_ns, data[start : start + length], flags))
        position = following
    return records, position
