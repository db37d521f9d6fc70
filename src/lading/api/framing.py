"""Two streams in one: every piece of output after a head that says which stream, and how long.

    byte 0: 0 stdin, 1 stdout, 2 stderr, 3 an error of the engine    bytes 4-7: length, big endian
Source: Docker Engine API v1.51, ContainerAttach, "Stream format".
"""

from collections.abc import Iterable, Iterator
from functools import cache
from struct import Struct

SYSTEM_ERROR = 3
RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"

_head = Struct(">BxxxL")
PIECE = 128 * 1024  # bytes handed to a socket at once: larger ones are copied while they wait
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
    heads = _short_heads(stream)
    try:
        return b"\n".join([heads[len(line)] + line for line in lines]) + b"\n" + last
    except IndexError:
        return b"".join([frame(stream, line + b"\n") for line in lines]) + last


def pieces(texts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are about as large as a socket takes."""
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= PIECE:
            whole = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            yield from (whole[start : start + PIECE] for start in range(0, size, PIECE))
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)


@cache
def _short_heads(stream: int) -> list[bytes]:
    """The head of a line by its length without the line feed."""
    return [_head.pack(stream, length + 1) for length in range(_SHORT + 1)]
