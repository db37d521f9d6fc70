"""Two streams in one: every piece of output after a head that says which stream, and how long.

    byte 0: 0 stdin, 1 stdout, 2 stderr, 3 an error of the engine    bytes 4-7: length, big endian
Source: Docker Engine API v1.51, ContainerAttach, "Stream format".
"""

from functools import cache
from operator import add
from struct import Struct

SYSTEM_ERROR = 3
RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"

_head = Struct(">BxxxL")
_SHORT = 1024  # lines up to this length have their head ready


def frame(stream: int, payload: bytes) -> bytes:
    """One piece of output with its head."""
    return _head.pack(stream, len(payload)) + payload


def frame_lines(stream: int, text: bytes) -> bytes:
    """Lines of output, each in a frame of its own: clients take one for one line of the log.

    Made without a look at any single line, as long as none is very long.
    """
    *lines, rest = text.split(b"\n")
    last = frame(stream, rest) if rest else b""
    if not lines:
        return last
    if len(max(lines, key=len)) > _SHORT:
        return b"".join([frame(stream, line + b"\n") for line in lines]) + last
    heads = map(_short_heads(stream).__getitem__, map(len, lines))
    return b"\n".join(map(add, heads, lines)) + b"\n" + last


@cache
def _short_heads(stream: int) -> list[bytes]:
    """The head of a line by its length without the line feed."""
    return [_head.pack(stream, length + 1) for length in range(_SHORT + 1)]
