"""The multiplexed stream of attach, logs and exec without a terminal.

    byte 0      1..3     4..7 (big endian)   8..
    stream      zero     length              payload        stream: 1 stdout, 2 stderr, 3 error

Source: Docker Engine API, ContainerAttach, "Stream format".
"""

from __future__ import annotations

import struct

from lading.sdk.errors import ProtocolError

STDIN, STDOUT, STDERR, SYSTEM_ERROR = range(4)
HEADER_SIZE = 8
_head = struct.Struct(">LL").unpack_from


class Demultiplexer:
    """Bytes in, (stream, payload) out. What follows one another on one stream is one payload, cut
    where the bytes are: a log of a million lines is written in few pieces.
    """

    def __init__(self) -> None:
        self._header = b""
        self._stream = STDOUT
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The payloads in `data`, in order. Raises ProtocolError."""
        if self._header:
            data, self._header = self._header + data, b""
        runs: list[tuple[int, list[bytes]]] = []
        stream, position, end = self._stream, min(self._left, len(data)), len(data)
        parts = [data[:position]] if position else []
        left = self._left - position
        while not left and position + HEADER_SIZE <= end:
            word, length = _head(data, position)
            if word & 0xFFFFFF or word > SYSTEM_ERROR << 24:
                header = data[position : position + HEADER_SIZE]
                raise ProtocolError(f"not a multiplexed stream: {header!r}")
            if word >> 24 != stream:
                runs.append((stream, parts))
                stream, parts = word >> 24, []
            position += HEADER_SIZE
            parts.append(data[position : position + length])
            left = max(position + length - end, 0)
            position += length
        runs.append((stream, parts))
        self._stream, self._left, self._header = stream, left, data[position:]
        return [(number, b"".join(some)) for number, some in runs if any(some)]

    def is_between_frames(self) -> bool:
        return not self._left and not self._header


def encode_frame(stream: int, payload: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(payload).to_bytes(4, "big") + payload
