"""JSON lines in a file beside the segments, as dockerd's json-file has them, for who tails it.

    {"log":"text\\n","stream":"stdout","time":"2026-11-23T20:46:39.000000001Z"}

It is rotated at `max-size` into `.1`, `.2` and so on, `max-file` files in all. Lines are rendered
by the piece: one replacement makes the ends of all its lines.
"""

import asyncio
import errno
import json
import os
from collections.abc import Mapping, Sequence

from lading.logs.driver import Chunk, Place, Sink, SinkDown
from lading.logs.lines import format_time
from lading.logs.rotation import json_file_rotation
from lading.runtime.segments import STDOUT

# bytes that stand for themselves in a JSON string, and the line feed between two records
PLAIN = bytes(code for code in range(0x20, 0x7F) if code not in b'"\\') + b"\n"
ESCAPES = (
    (b"\\", b"\\\\"),
    (b'"', b'\\"'),
    (b"\t", b"\\t"),
    (b"\r", b"\\r"),
    (b"\x1b", b"\\u001b"),
)
NAME = "{0}-json.log"


def file_path(directory: str, container_id: str) -> str:
    """Where the file of a container is."""
    return f"{directory}/{NAME.format(container_id)}"


class JsonLines:
    """The driver."""

    def check(self, options: Mapping[str, str]) -> None:
        """Raises InvalidArgument."""
        json_file_rotation(options)

    async def open(self, place: Place) -> Sink:
        """Open or make the file. Raises SinkDown."""
        size, count, _ = json_file_rotation(place.options)
        path = file_path(place.directory, place.source.id)
        try:
            return JsonFile(path, size, count, place.attributes)
        except OSError as error:
            raise SinkDown(error.strerror) from error


class JsonFile:
    """One container's file, open for appending."""

    def __init__(self, path: str, size: int, count: int, attributes: Mapping[str, str]) -> None:
        self._path = path
        self._limit, self._count = size, count
        told = f',"attrs":{json.dumps(dict(attributes))}' if attributes else ""
        self._attributes = told.encode()
        self._file = _open(path)

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Append them. Raises SinkDown when the disk is full."""
        data = b"".join(render(chunk, self._attributes) for chunk in chunks)
        await asyncio.to_thread(self._append, data)

    async def close(self) -> None:
        """Let the file go."""
        os.close(self._file)

    def _append(self, data: bytes) -> None:
        """Whole records go into a file until the limit is passed."""
        try:
            while data:
                room = self._limit - os.fstat(self._file).st_size if self._limit else len(data)
                cut = data.rfind(b"\n", 0, max(room, 0)) + 1 if room < len(data) else len(data)
                if not cut and os.fstat(self._file).st_size == 0:
                    cut = data.find(b"\n") + 1  # one record, longer than a file may be
                self._write(data[:cut])
                data = data[cut:]
                if data:
                    self._rotate()
        except OSError as error:
            raise SinkDown(error.strerror) from error

    def _write(self, data: bytes) -> None:
        """All of it or nothing."""
        before = os.fstat(self._file).st_size
        if os.write(self._file, data) < len(data):
            os.ftruncate(self._file, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _rotate(self) -> None:
        names = [self._path, *(f"{self._path}.{n}" for n in range(1, self._count))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if os.path.exists(newer):
                os.rename(newer, older)
        if self._count == 1:
            os.unlink(self._path)
        os.close(self._file)
        self._file = _open(self._path)


def render(chunk: Chunk, attributes: bytes = b"") -> bytes:
    """The records of a chunk."""
    stream = b"stdout" if chunk.stream == STDOUT else b"stderr"
    end = b'","stream":"%s"%s,"time":"%s"}\n' % (
        stream,
        attributes,
        format_time(chunk.time_ns).encode(),
    )
    text = chunk.text
    if not text.isascii():
        text = text.decode(errors="replace").encode()
    for raw, escaped in ESCAPES:
        if raw in text:
            text = text.replace(raw, escaped)
    if rest := text.translate(None, PLAIN + b"\\"):
        for code in set(rest):
            if code < 0x20 or code == 0x7F:
                text = text.replace(bytes((code,)), b"\\u%04x" % code)
    lines, has_end = (text[:-1], b"\\n") if text.endswith(b"\n") else (text, b"")
    return b'{"log":"' + lines.replace(b"\n", b"\\n" + end + b'{"log":"') + has_end + end


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)


DRIVER = JsonLines()
