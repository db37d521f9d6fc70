"""What a request carries: bytes in memory, or a part of a file that the kernel moves.

A body can be sent more than once, for a token may have run out or a kept connection may be dead.
"""

import os
import socket
from collections.abc import Callable
from typing import Protocol

STEP = 1024 * 1024  # bytes between two looks at cancellation and progress


class Body(Protocol):
    """`length` bytes that `send` puts into a socket."""

    @property
    def length(self) -> int: ...
    def send(self, connected: socket.socket) -> None: ...


class BytesBody:
    """Bytes that are in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def length(self) -> int:
        """Bytes."""
        return len(self._data)

    def send(self, connected: socket.socket) -> None:
        """Raises OSError."""
        connected.sendall(self._data)


class FileBody:
    """A part of a file; `on_sent` is called with the offset that was reached, and may raise."""

    def __init__(
        self, descriptor: int, *, offset: int, length: int, on_sent: Callable[[int], None]
    ) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._length = length
        self._on_sent = on_sent

    @property
    def length(self) -> int:
        """Bytes."""
        return self._length

    def send(self, connected: socket.socket) -> None:
        """Over plain HTTP by sendfile(2). Raises OSError, and what `on_sent` raises."""
        with open(os.dup(self._descriptor), "rb", buffering=0) as file:
            end = self._offset + self._length
            position = self._offset
            while position < end:
                count = connected.sendfile(file, position, min(STEP, end - position))
                if not count:
                    raise EOFError("the file is shorter than it was")
                position += count
                self._on_sent(position)
