"""What a container prints goes to its log; what is sent to it goes to its stdin.

Output is read in pieces as large as they come and written on as they are: no line is looked for.
The buffer is one anonymous mapping, shared by all streams, and touched only as far as it is used.
"""

from __future__ import annotations

import errno
import mmap
import os

from lading.runtime.loop import IN, OUT
from lading.runtime.segments import MAX_PAYLOAD, STDOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.loop import Loop
    from lading.runtime.segments import Log

INPUT_CHUNK = 65536
SHRINK_ABOVE = 64 * 1024  # give pages of the buffer back after a piece longer than this

_buffer = mmap.mmap(-1, MAX_PAYLOAD, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
_view = memoryview(_buffer)


class Output:
    """One stream of output: a pipe's read end, or the master of a terminal."""

    __slots__ = ("_log", "_loop", "descriptor", "is_open", "stream")

    def __init__(self, loop: Loop, descriptor: int, log: Log, stream: int = STDOUT) -> None:
        self._loop = loop
        self._log = log
        self.descriptor = descriptor
        self.stream = stream
        self.is_open = True
        os.set_blocking(descriptor, False)
        loop.register(descriptor, IN, self._ready)

    def _ready(self, _events: int) -> None:
        self.pump()

    def pump(self) -> int:
        """Move one piece; returns its length, 0 at the end of the stream or when none waits."""
        try:
            length = os.readv(self.descriptor, [_view])
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:  # a terminal's way to say that nobody holds it any more
                raise
            length = 0
        if length == 0:
            self.close()
            return 0
        self._log.write(self.stream, _view[:length])
        if length > SHRINK_ABOVE:
            _buffer.madvise(mmap.MADV_DONTNEED)
        return length

    def drain(self, limit: int) -> None:
        """Take what still waits, at most `limit` bytes: a survivor may print for ever."""
        while self.is_open and limit > 0:
            length = self.pump()
            if length == 0:
                return
            limit -= length

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._loop.unregister(self.descriptor)
            os.close(self.descriptor)


class Input:
    """The container's stdin: sources that clients hand in are pumped to it, with back-pressure.

    While stdin is full, no source is read; the sender's own socket then fills, and it waits.
    """

    __slots__ = ("_closing", "_descriptor", "_is_terminal", "_loop", "_out", "_pending", "_sources")

    def __init__(self, loop: Loop, descriptor: int, *, is_terminal: bool) -> None:
        self._loop = loop
        self._descriptor = descriptor  # -1 once closed
        self._is_terminal = is_terminal  # then the descriptor is the master, which is not ours
        self._pending = b""
        self._sources: dict[int, bool] = {}  # descriptor -> close stdin at its end
        self._out = -1  # a duplicate of the descriptor that is watched while stdin is full
        self._closing = False
        os.set_blocking(descriptor, False)

    @property
    def is_quiet(self) -> bool:
        """Whether nobody sends and nothing waits."""
        return not self._sources and not self._pending

    @property
    def descriptor(self) -> int:
        """Of the container's stdin; -1 once it is closed."""
        return -1 if self._closing else self._descriptor

    def add(self, source: int, *, close_on_eof: bool) -> None:
        """Pump from this descriptor (a pipe or socket; it becomes ours) until its end."""
        if self._closing:
            os.close(source)
            return
        os.set_blocking(source, False)
        self._sources[source] = close_on_eof
        if not self._pending:
            self._watch(source)

    def _watch(self, source: int) -> None:
        self._loop.register(source, IN, lambda events: self._read(source))

    def _read(self, source: int) -> None:
        try:
            data = os.read(source, INPUT_CHUNK)
        except BlockingIOError:
            return
        except OSError:  # the connection was reset
            data = b""
        if data:
            self._write(data)
            return
        self._loop.unregister(source)
        os.close(source)
        if self._sources.pop(source):
            self.close()

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._descriptor, data)
        except BlockingIOError:
            written = 0
        except OSError:  # EPIPE: the program closed its stdin, so drop what waits
            written = len(data)
            self.close()
        self._pending = data[written:]
        if self._pending and self._out < 0:
            self._pause()
        elif not self._pending and self._out >= 0:
            self._resume()

    def _pause(self) -> None:
        for source in self._sources:  # not only masked: a closed source would wake us for ever
            self._loop.unregister(source)
        # a terminal's master is in the loop for its output; a duplicate has an entry of its own
        self._out = os.dup(self._descriptor)
        self._loop.register(self._out, OUT, lambda events: self._write(self._pending))

    def _resume(self) -> None:
        self._loop.unregister(self._out)
        os.close(self._out)
        self._out = -1
        if self._closing:
            self._shut()
        for source in self._sources:
            self._watch(source)

    def close(self) -> None:
        """End the container's stdin, once what waits for it is written. A terminal has no end."""
        if not self._is_terminal and not self._closing:
            self._closing = True
            if self._out < 0:
                self._shut()

    def _shut(self) -> None:
        for source in self._sources:
            self._loop.unregister(source)
            os.close(source)
        self._sources.clear()
        os.close(self._descriptor)
