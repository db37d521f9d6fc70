"""The segments of a log as files: which there are, opening one, where its last whole record ends.

A segment may have been compressed since it was written (`lading.logs.compress`). It is opened as
the bytes that it had, in memory, so that nobody above has to know; segments with a quota are small.
"""

import os
import zlib

from lading.runtime.segments import (
    HEADER,
    MAX_PAYLOAD,
    OVERHEAD,
    STDERR,
    STDOUT,
    TRAILER,
    segment_name,
)

CHUNK = 512 << 10  # bytes read at once; more than the longest record


def numbers(directory: str) -> list[int]:
    """The segments that are there, oldest first."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted({int(n[:8]) for n in names if n[8:] in (".seg", ".seg.gz") and n[:8].isdigit()})


def open_segment(directory: str, number: int) -> int:
    """A descriptor of the segment's bytes. Raises FileNotFoundError when it has been removed."""
    name = f"{directory}/{segment_name(number)}"
    try:
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return _open_compressed(name + ".gz")


def last_write_ns(directory: str, number: int) -> int:
    """When something was last written to it; 0 when it is gone."""
    name = f"{directory}/{segment_name(number)}"
    for path in (name, name + ".gz"):
        try:
            return os.stat(path).st_mtime_ns
        except FileNotFoundError:
            continue
    return 0


def _open_compressed(path: str) -> int:
    with open(path, "rb") as file:
        memory = os.memfd_create("segment", os.MFD_CLOEXEC)
        try:
            _inflate(file.read(), memory)
        except (zlib.error, OSError):  # damaged: what came out before is still good
            return memory
    return memory


def _inflate(data: bytes, memory: int) -> None:
    inflater = zlib.decompressobj(wbits=31)  # with the head and the checksum of gzip
    while data:
        os.write(memory, inflater.decompress(data, CHUNK))
        data = inflater.unconsumed_tail
    os.write(memory, inflater.flush())


def whole_end(descriptor: int) -> int:
    """The offset after the last whole record: what follows is torn, or is being written."""
    size = os.fstat(descriptor).st_size
    if size == 0 or record_before(descriptor, size) is not None:
        return size
    offset = 0
    while data := os.pread(descriptor, CHUNK, offset):
        used = _whole(data)
        if not used:
            break
        offset += used
    return offset


def record_before(descriptor: int, end: int) -> int | None:
    """The offset of the record that ends at `end`, or None when none does."""
    if end < OVERHEAD:
        return None
    (length,) = TRAILER.unpack(os.pread(descriptor, TRAILER.size, end - TRAILER.size))
    start = end - OVERHEAD - length
    if start < 0 or length > MAX_PAYLOAD:
        return None
    head = os.pread(descriptor, HEADER.size, start)
    return start if is_head(head, 0, length) else None


def is_head(data: bytes, start: int, length: int) -> bool:
    """Whether a record of that length can begin here."""
    found, stream, flags, reserved, _ = HEADER.unpack_from(data, start)
    return bool(found == length and stream in (STDOUT, STDERR) and flags <= 1 and not reserved)


def _whole(data: bytes) -> int:
    """How many bytes the whole records at the start of `data` take."""
    position, end = 0, len(data)
    while position + OVERHEAD <= end:
        following = position + OVERHEAD + HEADER.unpack_from(data, position)[0]
        if following > end:
            break
        position = following
    return position
