"""Two streams in one: every piece of output after a head that says which stream, and how long.

    byte 0: 0 stdin, 1 stdout, 2 stderr, 3 an error of the engine    bytes 4-7: length, big endian
Source: Docker Engine API v1.51, ContainerAttach, "Stream format".
"""

from struct import Struct

SYSTEM_ERROR = 3
RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"

_head = Struct(">BxxxL")


def frame(stream: int, payload: bytes) -> bytes:
    """One piece of output with its head."""
    return _head.pack(stream, len(payload)) + payload
