"""A chunked request body, read by a blocking thread from the socket itself.

A body that comes through the event loop costs a wake-up of the loop and one of its reader for each
50 KB, and both fight for the interpreter's lock: of 530 MB that is a second of CPU, four times what
receiving costs. So a handler whose thread wants a large body lends it the connection for so long:

    loop: pause reading, hand over the descriptor and what was received  ---> thread: read, read ...
    loop: take back what came after the body, resume                     <--- thread: done

The grammar is RFC 9112, section 7.1; sizes and lines are bounded, and a bare line feed is refused,
so that nobody can disagree with us about where the body ends.
"""

import os
import re
import select
import socket
import time
from contextlib import suppress

BUFFER_BYTES = 256 * 1024
LINE_BYTES = 4096  # of a chunk's head with its extensions, or of all trailers
POLL_MS = 500  # how soon an abandoned reader notices
GATHER_S = 0.0002  # after a wake-up: a client that writes 32 KB at a time has written more by then
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?")


class BadChunk(ConnectionError):
    """The client's chunks are none."""


class LentBody:
    """A source of the body's bytes, for one thread. Whoever made it closes it."""

    def __init__(self, descriptor: int, received: bytes) -> None:
        """`descriptor` is of the connection's socket, and stays the caller's."""
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._buffer = bytearray(max(BUFFER_BYTES, len(received)))
        self._buffer[: len(received)] = received
        self._view = memoryview(self._buffer)
        self._start, self._end = 0, len(received)
        self._left = 0  # bytes of the chunk that were not read yet
        self._is_first = True
        self._is_abandoned = False
        self.is_over = False  # the whole body was read

    @property
    def rest(self) -> bytes:
        """What was received and not read."""
        return bytes(self._view[self._start : self._end])

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; b"" at the end. Raises ConnectionError when the client is gone."""
        while not self.is_over:
            if not self._left:
                self._next_chunk()
                continue
            if self._start == self._end:
                self._fill()
            if pieces := self._pieces(size):
                return b"".join(pieces)
        return b""

    def abandon(self) -> None:
        """Let a reader that waits fail soon; from any thread."""
        self._is_abandoned = True

    def close(self) -> None:
        """Let go of the socket; the connection keeps its own descriptor."""
        self._socket.close()

    def _pieces(self, size: int) -> list[memoryview]:
        """Data of the chunks that are in the buffer as a whole or in part, up to `size` bytes."""
        pieces = []
        while size and self._start < self._end:
            count = min(self._left, size, self._end - self._start)
            pieces.append(self._view[self._start : self._start + count])
            self._start += count
            self._left -= count
            size -= count
            if self._left or not self._is_head_here():
                break
            self._next_chunk()
        return pieces

    def _is_head_here(self) -> bool:
        """Whether the next chunk's head can be read without receiving over the pieces."""
        line_end = self._buffer.find(b"\n", self._start + 2, self._end)
        return line_end > 0 and self._buffer[self._start + 2] != ord("0")

    def _next_chunk(self) -> None:
        if not self._is_first and self._line():
            raise BadChunk("no line end after a chunk")
        self._is_first = False
        match = _SIZE.fullmatch(self._line())
        if match is None:
            raise BadChunk("bad size of a chunk")
        self._left = int(match[1], 16)
        if self._left:
            return
        budget = LINE_BYTES
        while trailer := self._line():
            budget -= len(trailer)
            if budget < 0:
                raise BadChunk("trailers are too long")
        self.is_over = True

    def _line(self) -> bytes:
        """The next line without its end."""
        line = b""
        while True:
            end = self._buffer.find(b"\n", self._start, self._end)
            stop = end + 1 if end >= 0 else self._end
            line += self._view[self._start : stop]
            self._start = stop
            if len(line) > LINE_BYTES:
                raise BadChunk("a line is too long")
            if end >= 0:
                break
            self._fill()
        if not line.endswith(b"\r\n"):
            raise BadChunk("a line ends without a carriage return")
        return line[:-2]

    def _fill(self) -> None:
        """Receive into the buffer, which is read to its end."""
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        while True:
            if self._is_abandoned:
                raise ConnectionAbortedError("nobody wants the body any more")
            with suppress(BlockingIOError):
                count = self._socket.recv_into(self._buffer, 0, socket.MSG_DONTWAIT)
                if not count:
                    raise ConnectionAbortedError("the client went away in the middle of the body")
                self._start, self._end = 0, count
                return
            poll.poll(POLL_MS)
            time.sleep(GATHER_S)
