"""The multiplexed stream of attach, logs and exec without a terminal.

    byte 0      1..3     4..7 (big endian)   8..
    stream      zero     length              payload        stream: 1 stdout, 2 stderr, 3 error

Source: Docker Engine API, ContainerAttach, "Stream format".
"""

from __future__ import annotations

from lading.sdk.errors import ProtocolError

STDIN, STDOUT, STDERR, SYSTEM_ERROR = range(4)
HEADER_SIZE = 8


class Demultiplexer:
    """Bytes in, (stream, payload) out. Payload is handed on as it comes, not frame by frame."""

    def __init__(self) -> None:
        self._header = b""
        self._stream = STDOUT
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The payloads in `data`, in order. Raises ProtocolError."""
        pieces = []
        position = 0
        while position < len(data):
            if self._left:
                piece = data[position : position + self._left]
                self._left -= len(piece)
                pieces.append((self._stream, piece))
                position += len(piece)
            else:
                wanted = HEADER_SIZE - len(self._header)
                self._header += data[position : position + wanted]
                position += wanted
                if len(self._header) == HEADER_SIZE:
                    self._begin()
        return pieces

    def _begin(self) -> None:
        if self._header[0] > SYSTEM_ERROR or any(self._header[1:4]):
            raise ProtocolError(f"not a multiplexed stream: {self._header!r}")
        self._stream = self._header[0]
        self._left = int.from_bytes(self._header[4:], "big")
        self._header = b""

    def is_between_frames(self) -> bool:
        return not self._left and not self._header


def encode_frame(stream: int, payload: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(payload).to_bytes(4, "big") + payload
