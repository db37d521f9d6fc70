"""The log of a container on disk: files of records, written by its monitor alone.

    <directory>/00000001.seg  00000002.seg ...     read in order of their numbers
    record:  length u32 | stream u8 | flags u8 | reserved u16 | time_ns u64 | payload (length bytes)

A record holds exactly what one read of the container's output gave, at most MAX_PAYLOAD bytes: the
writer never looks for line ends. A reader ignores a record whose end is missing (the machine died).
A full disk never stops a container: records are dropped, and the next one that fits says so.
"""

from __future__ import annotations

import os
import struct
import time

from lading.failpoints import fp

HEADER = struct.Struct("<IBBHQ")
STDOUT = 1
STDERR = 2
FLAG_LOST = 1  # output before this record could not be written
MAX_PAYLOAD = 256 * 1024
SEGMENT_SIZE = 64 * 1024 * 1024  # a segment is closed when it is longer than this

_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def segment_name(number: int) -> str:
    return f"{number:08d}.seg"


def list_segments(directory: str) -> list[str]:
    """Names of the segments in order; empty when there is no directory."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name.endswith(".seg") and name[:-4].isdigit())


class SegmentWriter:
    """Appends records. `size` is the length of all segments together, of earlier runs too.

    A writer that continues knows the `offset` at which the last one ended.
    """

    __slots__ = ("_descriptor", "_directory", "_limit", "_lost", "_number", "offset", "size")

    def __init__(
        self, directory: str, *, segment_size: int = SEGMENT_SIZE, known_offset: int = 0
    ) -> None:
        names = list_segments(directory)
        self._directory = directory
        self._limit = segment_size
        self._lost = False
        self._number = int(names[-1][:-4]) if names else 1
        self.size = sum(os.stat(f"{directory}/{name}").st_size for name in names[:-1])
        self._open()
        self.size += self.offset
        if self.offset != known_offset:  # another writer may have died within a record: a new file
            self._next()

    def _open(self) -> None:
        path = f"{self._directory}/{segment_name(self._number)}"
        self._descriptor = os.open(path, _APPEND, 0o640)
        self.offset = os.lseek(self._descriptor, 0, os.SEEK_END)

    def _next(self) -> None:
        os.close(self._descriptor)
        self._number += 1
        self._open()
        fp("segments.next")

    def write(self, stream: int, payload: bytes | memoryview) -> None:
        """Append one record; on a full disk it is dropped and the loss is remembered."""
        length = len(payload)
        flags = FLAG_LOST if self._lost else 0
        header = HEADER.pack(length, stream, flags, 0, time.time_ns())
        try:
            if self.offset > self._limit:
                self._next()
            written = os.writev(self._descriptor, [header, payload])
        except OSError:
            self._lost = True
            return
        if written < HEADER.size + length:  # ENOSPC in the middle
            os.ftruncate(self._descriptor, self.offset)
            self._lost = True
            return
        self._lost = False
        self.offset += written
        self.size += written

    def close(self) -> None:
        """Make it durable and let go."""
        try:
            os.fdatasync(self._descriptor)
        finally:
            os.close(self._descriptor)


class Log:
    """The log of a running container, opened when there is something to write.

    Without a directory nothing is kept, and `size` only counts.
    """

    __slots__ = ("_counted", "_directory", "_offset", "_writer")

    def __init__(self, directory: str | None, *, size: int = 0, offset: int = 0) -> None:
        self._directory = directory
        self._writer: SegmentWriter | None = None
        self._counted = size
        self._offset = offset

    @property
    def size(self) -> int:
        """Bytes of all segments; 0 before the first write of this run."""
        return self._writer.size if self._writer else self._counted

    @property
    def offset(self) -> int:
        """Bytes of the segment that is written; 0 before the first write of this run."""
        return self._writer.offset if self._writer else self._offset

    def write(self, stream: int, payload: bytes | memoryview) -> None:
        """Append one record."""
        if self._directory is None:
            self._counted += HEADER.size + len(payload)
            return
        if self._writer is None:
            try:
                self._writer = self._open(self._directory)
            except OSError:  # no descriptor or no inode left: this piece is lost, not the container
                return
        self._writer.write(stream, payload)

    def _open(self, directory: str) -> SegmentWriter:
        return SegmentWriter(directory, known_offset=self._offset)

    def close(self) -> None:
        """Make it durable, what an earlier shift has written too."""
        if self._writer is None and self._directory is not None and self._offset:
            self._writer = self._open(self._directory)
        if self._writer is not None:
            self._writer.close()
