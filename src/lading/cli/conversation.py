"""An attached container: its stream on one side, our stdin, stdout and stderr on the other.

    stdin --read--> unsent --send--> stream --receive--> demultiplex --write--> stdout, stderr

One thread and one poll. Nothing is read from stdin while the engine has not taken what was read
before, so a slow container slows the producer, and a write to the stream never waits while output
could be read. The end of stdin closes the write side only.
"""

from __future__ import annotations

import os
import select
import sys

from lading.sdk import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.cli.detach_keys import KeyWatcher
    from lading.sdk.client import RawStream

READ = 64 * 1024
STDIN, STDOUT, STDERR = 0, 1, 2


class Conversation:
    """`stdin` is the descriptor to read from, or None; `has_output` False when only stdin is."""

    def __init__(
        self,
        stream: RawStream,
        *,
        stdin: int | None,
        multiplexed: bool,
        has_output: bool = True,
        watcher: KeyWatcher | None = None,
    ) -> None:
        self._stream = stream
        self._stdin = stdin
        self._demultiplexer = frames.Demultiplexer() if multiplexed else None
        self._has_output = has_output
        self._watcher = watcher
        self._unsent = b""
        self._is_over = False
        self._poll = select.poll()

    def run(self) -> None:
        """Returns when the engine ends the stream. Raises BrokenPipeError when nobody reads us."""
        sys.stdout.flush()
        stream = self._stream.fileno()
        while not self._is_over:
            if self._stream.has_pending():
                self._receive()
                continue
            self._watch(stream)
            for descriptor, events in self._poll.poll():
                if descriptor == stream:
                    if events & select.POLLOUT:
                        self._flush()
                    if events & ~select.POLLOUT:
                        self._receive()
                elif self._stdin is not None:
                    self._read_stdin()

    def _watch(self, stream: int) -> None:
        """Wait for output always; for stdin only when all of it is sent, else for room."""
        if self._unsent:
            self._poll.register(stream, select.POLLIN | select.POLLOUT)
        else:
            self._poll.register(stream, select.POLLIN)
        if self._stdin is not None:
            # no events asked for still reports a hang-up, so a waiting stdin is taken off
            if self._unsent:
                self._forget_stdin()
            else:
                self._poll.register(self._stdin, select.POLLIN)

    def _forget_stdin(self) -> None:
        if self._stdin is not None:
            try:
                self._poll.unregister(self._stdin)
            except KeyError:
                return  # it was not waited for

    def _receive(self) -> None:
        data = self._stream.receive()
        if not data:
            self._is_over = True
        elif self._demultiplexer is None:
            write(STDOUT, data)
        else:
            for stream, payload in self._demultiplexer.feed(data):
                write(STDOUT if stream in (frames.STDIN, frames.STDOUT) else STDERR, payload)

    def _read_stdin(self) -> None:
        assert self._stdin is not None
        try:
            data = os.read(self._stdin, READ)
        except OSError:
            data = b""  # the terminal went away
        if self._watcher:
            self._watcher.feed(data)
        self._unsent = data
        if data:
            self._flush()
        else:
            self._end_stdin()

    def _flush(self) -> None:
        try:
            sent = self._stream.send(self._unsent)
        except OSError:
            # nobody takes input any more; output may still come
            self._unsent = b""
            self._end_stdin()
            return
        self._unsent = self._unsent[sent:]

    def _end_stdin(self) -> None:
        self._forget_stdin()
        self._stdin = None
        self._stream.close_write()
        if not self._has_output:
            self._is_over = True


def write(descriptor: int, data: bytes) -> None:
    """All of it; waits for room where the descriptor does not."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            room = select.poll()
            room.register(descriptor, select.POLLOUT)
            room.poll()
