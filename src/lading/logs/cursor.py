"""A position in a container's log, and the records that follow it.

A log is a directory of segments `00000001.seg`, `00000002.seg`, ... (the format is described in
`lading.runtime.segments`). A position counts the bytes of all segments before it, so it can be
compared with the log size that a monitor announces. A torn record at the end of a segment (the
monitor was killed while it wrote) is passed over when a later segment exists, else waited for.
"""

import os
from typing import NamedTuple

from lading.runtime.segments import HEADER

CHUNK = 1 << 20  # bytes read from a segment at once


class Record(NamedTuple):
    """The bytes of one read from the container's stdout (stream 1) or stderr (stream 2)."""

    stream: int
    time_ns: int
    payload: bytes


class Cursor:
    """Reads forward through the segments of one log directory; use as a context manager."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._descriptor = -1
        self._number = 0
        self._offset = 0  # in the current segment
        self._passed = 0  # bytes of the segments before it

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def position(self) -> int:
        """Bytes of the log before this cursor."""
        return self._passed + self._offset

    def seek_end(self) -> None:
        """Go to the end of what has been written, so that only new output is read."""
        while self._open(self._following()):
            pass
        if self._descriptor >= 0:
            self._offset = os.fstat(self._descriptor).st_size

    def read(self) -> list[Record]:
        """The next records, about a MiB of them; empty when there is no whole record yet."""
        while True:
            following = self._following()  # asked before reading: then the current one is complete
            records = self._read_current()
            if records or not self._open(following):
                return records

    def close(self) -> None:
        """Let the segment go; closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read_current(self) -> list[Record]:
        if self._descriptor < 0:
            return []
        data = os.pread(self._descriptor, CHUNK, self._offset)
        records, used = _parse(data)
        if not records and len(data) >= HEADER.size:
            records, used = self._read_large(data)
        self._offset += used
        return records

    def _read_large(self, head: bytes) -> tuple[list[Record], int]:
        """A record longer than CHUNK, read whole; nothing when the segment ends within it."""
        length = HEADER.unpack_from(head)[0] + HEADER.size
        if length <= len(head) or length > os.fstat(self._descriptor).st_size - self._offset:
            return [], 0
        return _parse(os.pread(self._descriptor, length, self._offset))

    def _following(self) -> int:
        """The number of the next segment, 0 when there is none yet."""
        return min((n for n in _segments(self._directory) if n > self._number), default=0)

    def _open(self, number: int) -> bool:
        """Step to the next segment, if there is one."""
        if not number:
            return False
        name = f"{self._directory}/{number:08d}.seg"
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        if self._descriptor >= 0:
            self._passed += os.fstat(self._descriptor).st_size
        self.close()
        self._descriptor, self._number, self._offset = descriptor, number, 0
        return True


def _segments(directory: str) -> list[int]:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(int(name[:-4]) for name in names if name.endswith(".seg"))


def _parse(data: bytes) -> tuple[list[Record], int]:
    """The whole records at the start of `data`, and how many bytes they take."""
    records: list[Record] = []
    position, end = 0, len(data)
    while position + HEADER.size <= end:
        length, stream, _flags, _reserved, time_ns = HEADER.unpack_from(data, position)
        start = position + HEADER.size
        if start + length > end:
            break
        records.append(Record(stream, time_ns, data[start : start + length]))
        position = start + length
    return records, position
