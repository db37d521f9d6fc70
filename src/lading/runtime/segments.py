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
    """Appends records. `size` is the length of all segments together, of earlier runs too."""

    __slots__ = ("_descriptor", "_directory", "_limit", "_lost", "_number", "_offset", "size")

    def __init__(self, directory: str, *, segment_size: int = SEGMENT_SIZE) -> None:
        names = list_segments(directory)
        self._directory = directory
        self._limit = segment_size
        self._lost = False
        self._number = int(names[-1][:-4]) if names else 1
        self.size = sum(os.stat(f"{directory}/{name}").st_size for name in names[:-1])
        self._open()
        self.size += self._offset
        if self._offset:  # the last writer may have died within a record: start a fresh file
            self._next()

    def _open(self) -> None:
        path = f"{self._directory}/{segment_name(self._number)}"
        self._descriptor = os.open(path, _APPEND, 0o640)
        self._offset = os.lseek(self._descriptor, 0, os.SEEK_END)

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
            if self._offset > self._limit:
                self._next()
            written = os.writev(self._descriptor, [header, payload])
        except OSError:
            self._lost = True
            return
        if written < HEADER.size + length:  # ENOSPC in the middle
            os.ftruncate(self._descriptor, self._offset)
            self._lost = True
            return
        self._lost = False
        self._offset += written
        self.size += written

    def close(self) -> None:
        """Make it durable and let go."""
        try:
            os.fdatasync(self._descriptor)
        finally:
            os.close(self._descriptor)


class NoLog:
    """In the place of a writer when the container's output is not kept; only counts."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0

    def write(self, stream: int, payload: bytes | memoryview) -> None:
        self.size += HEADER.size + len(payload)

    def close(self) -> None:
        """Nothing is held."""
