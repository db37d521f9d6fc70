"""A relay of TCP connections: bytes go through a pipe in the kernel (splice), never through Python.

    client ──splice──▶ pipe ──splice──▶ container        and the same back

Each direction ends by itself: an end of input becomes a shutdown of the other side's output, once
the pipe is empty. An error on either side ends both.
"""

from __future__ import annotations

import _socket
import errno
import fcntl
import os

from lading.runtime.loop import IN, OUT, Loop
from lading.steward.sources import Sources

ACCEPTS = 64  # at once, then others have their turn
CHUNK = 1 << 18
PIPE_SIZE = 1 << 18  # of each direction; unprivileged users may have 1 MiB
SPARE_PIPES = 64
F_SETPIPE_SZ = 1031
SPLICE_F_MOVE, SPLICE_F_NONBLOCK = 1, 2
_FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
_spare: list[tuple[int, int]] = []  # empty pipes: making one costs more than a small answer


class Direction:
    """Bytes on their way from one socket to the other."""

    __slots__ = ("_source", "_target", "has_ended", "pending", "pipe")

    def __init__(self, source: int, target: _socket.socket) -> None:
        self._source = source
        self._target = target
        self.pipe = _spare.pop() if _spare else _new_pipe()
        self.pending = 0
        self.has_ended = False

    def pump(self) -> None:
        """Move what can be moved without waiting. Raises OSError when a side is broken."""
        while not self.has_ended:
            if not self.pending:
                try:
                    self.pending = os.splice(self._source, self.pipe[1], CHUNK, flags=_FLAGS)
                except BlockingIOError:
                    return
                if not self.pending:
                    self.has_ended = True
                    self._target.shutdown(_socket.SHUT_WR)
                    return
            try:
                target = self._target.fileno()
                self.pending -= os.splice(self.pipe[0], target, self.pending, flags=_FLAGS)
            except BlockingIOError:
                return

    def close(self) -> None:
        """Give the pipe back, or close it if it is not empty."""
        if not self.pending and len(_spare) < SPARE_PIPES:
            _spare.append(self.pipe)
        else:
            os.close(self.pipe[0])
            os.close(self.pipe[1])


class Connection:
    """A client's connection and the one to the container."""

    __slots__ = ("_back", "_client", "_events", "_loop", "_on_close", "_server", "_there", "_to")

    def __init__(self, loop: Loop, client: _socket.socket, relay: TcpRelay) -> None:
        """Begins to connect; `client` is ours from now on, even if that fails."""
        self._loop = loop
        self._client = client
        self._on_close = relay.forget
        self._there = False  # connected
        family = _socket.AF_INET6 if ":" in relay.target[0] else _socket.AF_INET
        kind = _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        try:
            self._server = _socket.socket(family, kind)
        except OSError:
            client.close()
            raise
        try:
            self._to = Direction(client.fileno(), self._server)
            self._back = Direction(self._server.fileno(), client)
            _connect(self._server, relay.target)
        except OSError:
            client.close()
            self._server.close()
            raise
        self._events = {client.fileno(): 0, self._server.fileno(): 0}
        self._watch(self._server.fileno(), OUT)

    def close(self) -> None:
        """End both sides at once."""
        for descriptor in self._events:
            self._watch(descriptor, 0)
        for direction in (self._to, self._back):
            direction.close()
        self._client.close()
        self._server.close()
        self._on_close(self)

    def _ready(self, _events: int) -> None:
        try:
            if not self._there:
                code = self._server.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
                if code:
                    raise OSError(code, os.strerror(code))
                self._there = True
            self._to.pump()
            self._back.pump()
        except OSError:
            self.close()
            return
        if self._to.has_ended and self._back.has_ended:
            self.close()
            return
        client, server = self._client.fileno(), self._server.fileno()
        self._watch(client, _wanted(self._to, self._back))
        self._watch(server, _wanted(self._back, self._to))

    def _watch(self, descriptor: int, events: int) -> None:
        """Wait for these events; without any the loop does not even hear of a hang-up."""
        before = self._events[descriptor]
        if events == before:
            return
        self._events[descriptor] = events
        if not events:
            self._loop.unregister(descriptor)
        elif before:
            self._loop.modify(descriptor, events)
        else:
            self._loop.register(descriptor, events, self._ready)


def _wanted(reading: Direction, writing: Direction) -> int:
    """What a socket is waited for: one direction comes from it, the other goes to it."""
    can_read = not reading.has_ended and not reading.pending
    return (IN if can_read else 0) | (OUT if writing.pending else 0)


class TcpRelay:
    """Takes connections on a listening socket to one address."""

    def __init__(
        self, loop: Loop, descriptor: int, target: tuple[str, int], sources: list[str]
    ) -> None:
        self.target = target
        self._loop = loop
        self._listener = _socket.socket(fileno=os.dup(descriptor))
        self._listener.setblocking(False)
        self._sources = Sources(sources)
        self._connections: set[Connection] = set()
        self._is_paused = False
        loop.register(self._listener.fileno(), IN, self._accept)

    def close(self) -> None:
        """Stop listening, and end every connection."""
        self._pause()
        self._listener.close()
        self._is_paused = False  # for ever
        for connection in [*self._connections]:
            connection.close()

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        if self._is_paused:
            self._is_paused = False
            self._loop.register(self._listener.fileno(), IN, self._accept)

    def _accept(self, _events: int) -> None:
        for _ in range(ACCEPTS):
            try:
                descriptor, address = self._listener._accept()  # type: ignore[attr-defined]
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_DESCRIPTORS and self._connections:
                    self._pause()
                return  # else that client has gone again
            client = _socket.socket(fileno=descriptor)
            client.setblocking(False)
            if not self._sources.allow(address[0]):
                client.close()
                continue
            try:
                self._connections.add(Connection(self._loop, client, self))
            except OSError:
                continue

    def _pause(self) -> None:
        """Accept nothing until a connection has ended."""
        if not self._is_paused:
            self._is_paused = True
            self._loop.unregister(self._listener.fileno())


def _connect(socket: _socket.socket, target: tuple[str, int]) -> None:
    code = socket.connect_ex(target)
    if code not in (0, errno.EINPROGRESS):
        raise OSError(code, os.strerror(code))


def _new_pipe() -> tuple[int, int]:
    pipe = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.fcntl(pipe[1], F_SETPIPE_SZ, PIPE_SIZE)
    except OSError:
        return pipe  # the user's pipes are full: it stays at 64 KiB
    return pipe
