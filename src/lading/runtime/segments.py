"""The log of a container on disk: files of records, written by its monitor alone.

    <directory>/00000001.seg  00000002.seg ...     read in order of their numbers
    record:  length u32 | stream u8 | flags u8 | reserved u16 | time_ns u64 | payload | length u32

A record holds what one read of the container's output gave, at most MAX_PAYLOAD bytes: the writer
never looks for line ends, except where a segment is full. The length at the end lets a reader walk
backwards. A reader ignores a record whose end is missing (the machine died).

A position in the log is one number, `segment << 32 | offset`: it grows, also when old segments go.
With a quota the oldest segments are removed before a new one is begun, so that all together never
need more; readers that are at work hold what they have not read yet, up to HOLD_LIMIT more.
A full disk never stops a container: records are dropped, and the next one that fits says so.
"""

from __future__ import annotations

import os
import struct
import time

from lading.failpoints import fp

HEADER = struct.Struct("<IBBHQ")
TRAILER = struct.Struct("<I")
OVERHEAD = HEADER.size + TRAILER.size
LOSS = struct.Struct("<QQ")  # payload of a record with FLAG_LOST: lines, bytes
STDOUT = 1
STDERR = 2
FLAG_LOST = 1  # not output: how much output before this record could not be written
MAX_PAYLOAD = 256 * 1024
SEGMENT_SIZE = 16 << 20  # of a log without a quota
QUOTA_SEGMENT_SIZE = 8 << 20  # at most, of one with a quota
MIN_SEGMENT_SIZE = 64 << 10  # if the quota is enough for two
HOLD_LIMIT = 256 << 20  # bytes beyond the quota that readers may hold

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


def newest_number(directory: str) -> int:
    """The number of the newest segment, compressed or not; 0 for none."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return 0
    return max((int(name[:8]) for name in names if name[:8].isdigit()), default=0)


def segment_limit(quota: int) -> int:
    """How long a segment gets: of a quota a small part, so that little goes at once."""
    if not quota:
        return SEGMENT_SIZE
    return min(max(quota // 16, min(quota // 2, MIN_SEGMENT_SIZE), 256), QUOTA_SEGMENT_SIZE)


class SegmentWriter:
    """Appends records, each run in segments of its own. `end` is the position after the last one;
    a writer that continues the work of another knows it, and the number of the run's first segment.

    `held` is the number of the oldest segment that a reader still needs, 0 when none does.
    """

    __slots__ = (
        "_descriptor",
        "_directory",
        "_limit",
        "_number",
        "_offset",
        "_quota",
        "_sizes",
        "_total",
        "first",
        "held",
        "lost_bytes",
        "lost_lines",
    )

    def __init__(
        self,
        directory: str,
        *,
        segment_size: int = 0,
        quota: int = 0,
        held: int = 0,
        end: int = 0,
        first: int = 0,
    ) -> None:
        self._directory = directory
        self._quota = quota
        self._limit = segment_size or segment_limit(quota)
        self.lost_lines = self.lost_bytes = 0
        self._sizes = _sizes(directory) if quota else {}
        self.held = held
        self._number, self._offset = newest_number(directory), end & 0xFFFFFFFF
        if not self._continues(end):
            # a segment of its own: the last writer may have died within a record
            self._number, self._offset = self._number + 1, 0
        self._sizes.pop(self._number, None)
        self._total = sum(self._sizes.values())
        self.first = first or self._number
        self._descriptor = self._open(self._number)
        self.prune()

    def _continues(self, end: int) -> bool:
        """Whether the log ends with the last record that the writer before us has written."""
        try:
            size = os.stat(f"{self._directory}/{segment_name(self._number)}").st_size
        except FileNotFoundError:
            return False
        return end == self._number << 32 | size

    @property
    def end(self) -> int:
        return self._number << 32 | self._offset

    def _open(self, number: int) -> int:
        return os.open(f"{self._directory}/{segment_name(number)}", _APPEND, 0o640)

    def _next(self) -> None:
        """Begin the next segment. Raises OSError, and then the current one goes on."""
        descriptor = self._open(self._number + 1)
        fp("segments.next")
        os.close(self._descriptor)
        if self._quota:
            self._sizes[self._number] = self._offset
            self._total += self._offset
        self._number += 1
        self._descriptor, self._offset = descriptor, 0
        self.prune()

    def prune(self) -> None:
        """Remove the oldest segments, as far as quota and readers want it."""
        while self._sizes and (over := self._total + self._limit - self._quota) > 0:
            oldest = next(iter(self._sizes))
            if 0 < self.held <= oldest and over <= HOLD_LIMIT:
                return
            self._total -= self._sizes.pop(oldest)
            name = f"{self._directory}/{segment_name(oldest)}"
            for path in (name, name + ".gz"):
                try:
                    os.unlink(path)
                except FileNotFoundError:
                    continue
            fp("segments.pruned")

    def write(self, stream: int, payload: bytes | memoryview) -> None:
        """Append a record; on a full disk it is dropped and the loss is remembered."""
        try:
            if self.lost_bytes:
                self._tell_loss()
            while payload and self._offset + len(payload) + OVERHEAD > self._limit:
                cut = self._fitting(payload)
                if cut:
                    self._append(stream, 0, payload[:cut])
                    payload = payload[cut:]
                self._next()
            if payload:
                self._append(stream, 0, payload)
        except OSError:
            self.lost_bytes += len(payload)
            self.lost_lines += bytes(payload).count(b"\n")

    def _fitting(self, payload: bytes | memoryview) -> int:
        """How much goes into this segment: whole lines; of one that is too long, a part."""
        room = max(self._limit - self._offset - OVERHEAD, 0)
        cut = bytes(payload[:room]).rfind(b"\n") + 1
        return cut if cut or self._offset else max(room, 1)

    def _tell_loss(self) -> None:
        self._append(STDERR, FLAG_LOST, LOSS.pack(self.lost_lines, self.lost_bytes))
        self.lost_lines = self.lost_bytes = 0

    def _append(self, stream: int, flags: int, payload: bytes | memoryview) -> None:
        """Write one record, or nothing. Raises OSError."""
        length = len(payload)
        header = HEADER.pack(length, stream, flags, 0, time.time_ns())
        written = os.writev(self._descriptor, [header, payload, TRAILER.pack(length)])
        if written < length + OVERHEAD:  # ENOSPC in the middle
            os.ftruncate(self._descriptor, self._offset)
            raise OSError
        self._offset += written

    def close(self) -> None:
        """Make what this run has written durable, and let go."""
        os.close(self._descriptor)
        for number in range(self.first, self._number + 1):
            path = f"{self._directory}/{segment_name(number)}"
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:  # the quota has taken it
                continue
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)


class Log:
    """The log of a running container, opened when there is something to write.

    Without a directory nothing is kept, and `end` only counts. `state` is what the next shift of
    the monitor has to know.
    """

    __slots__ = (
        "_directory",
        "_end",
        "_first",
        "_held",
        "_lost_bytes",
        "_lost_lines",
        "_quota",
        "_writer",
    )

    def __init__(
        self, directory: str | None, quota: int = 0, state: list[int] | None = None
    ) -> None:
        self._directory = directory
        self._quota = quota
        self._end, self._first, *lost = state or (0, 0, 0, 0)
        self._lost_lines, self._lost_bytes = lost
        self._held = 0
        self._writer: SegmentWriter | None = None

    @property
    def end(self) -> int:
        """The position after the last record; 0 before the first write of this run."""
        return self._writer.end if self._writer else self._end

    @property
    def state(self) -> list[int]:
        writer = self._writer
        if writer is None:
            return [self._end, self._first, self._lost_lines, self._lost_bytes]
        return [writer.end, writer.first, writer.lost_lines, writer.lost_bytes]

    def write(self, stream: int, payload: bytes | memoryview) -> None:
        """Append one record."""
        if self._directory is None:
            self._end += OVERHEAD + len(payload)
            return
        if self._writer is None:
            try:
                self._writer = self._open(self._directory)
            except OSError:  # no descriptor or no inode left: this piece is lost, not the container
                self._lost_bytes += len(payload)
                self._lost_lines += bytes(payload).count(b"\n")
                return
        self._writer.write(stream, payload)

    def _open(self, directory: str) -> SegmentWriter:
        writer = SegmentWriter(
            directory, quota=self._quota, held=self._held, end=self._end, first=self._first
        )
        writer.lost_lines, writer.lost_bytes = self._lost_lines, self._lost_bytes
        return writer

    def hold(self, number: int) -> None:
        """Keep segments from this number on for readers; 0 keeps none."""
        is_less = self._held > 0 and not 0 < number <= self._held
        self._held = number
        if self._writer is not None:
            self._writer.held = number
            self._writer.prune()
        elif is_less and self._first and self._directory is not None:
            self._writer = self._open(self._directory)  # which gives up what is held no more

    def close(self) -> None:
        """Make it durable, what an earlier shift has written too."""
        if self._writer is None and self._directory is not None and self._first:
            self._writer = self._open(self._directory)
        if self._writer is not None:
            self._writer.close()


def _sizes(directory: str) -> dict[int, int]:
    """Sizes of the segments that are there, by number, oldest first."""
    found = {}
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name[:8].isdigit():
                found[int(entry.name[:8])] = entry.stat().st_size
    return dict(sorted(found.items()))
