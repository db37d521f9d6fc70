"""Asking other servers for a container: one after the other, each for a while.

Servers are asked from the container's own network namespace, as it would ask them itself; those
that are on the host's loopback can be reached from the host's only. Each query has a socket and an
id of its own, which no stranger can guess together. Asked by TCP, we ask by TCP.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import time

from lading.kernel import namespaces
from lading.runtime.loop import IN, OUT, Loop
from lading.steward import dns_message as dns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Reply = Callable[[bytes | None], None]

PATIENCE_S = 4.0  # with one server
MAX_SERVERS = 3
MAX_QUERIES = 1024  # of all containers at once; then REFUSED
PORT = 53
DATAGRAM = 65535


class Server:
    """Whom to ask; `from_host` where it listens on the host's own loopback."""

    __slots__ = ("address", "from_host")

    def __init__(self, address: str, *, from_host: bool) -> None:
        self.address = address
        self.from_host = from_host


class Forwarded:
    """A query that waits for somebody's answer."""

    __slots__ = (
        "_buffer",
        "_is_tcp",
        "_loop",
        "_namespace",
        "_over",
        "_query",
        "_servers",
        "_socket",
        "_unsent",
        "due",
        "is_over",
        "last",
    )

    def __init__(
        self,
        loop: Loop,
        query: bytes,
        servers: list[Server],
        namespace: int,
        over: Callable[[Forwarded, bytes | None], None],
        *,
        is_tcp: bool,
    ) -> None:
        """`over` gets the answer, or None when nobody had one. `namespace` stays the caller's."""
        self._loop = loop
        self._query = os.urandom(2) + query[2:]
        self._servers = servers[:MAX_SERVERS]
        self._namespace = namespace
        self._over = over
        self._is_tcp = is_tcp
        self._socket: _socket.socket | None = None
        self._unsent = b""
        self._buffer = b""
        self.due = 0.0
        self.is_over = False
        self.last: bytes | None = None  # a failure that the next server may mend

    def ask(self) -> None:
        """Ask the next server; without one it is over."""
        self.drop()
        while self._servers:
            server = self._servers.pop(0)
            try:
                self._begin(server)
            except OSError:
                self.drop()
                continue
            self.due = time.monotonic() + PATIENCE_S
            return
        self._end(self.last)

    def drop(self) -> None:
        """Let go of the socket; nobody is told anything."""
        if self._socket is not None:
            self._loop.unregister(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _begin(self, server: Server) -> None:
        family = _socket.AF_INET6 if ":" in server.address else _socket.AF_INET
        kind = _socket.SOCK_STREAM if self._is_tcp else _socket.SOCK_DGRAM
        flags = _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        with contextlib.ExitStack() as stack:
            if not server.from_host:
                stack.enter_context(visiting(self._namespace))
            self._socket = _socket.socket(family, kind | flags)
        # connect_ex reports what a connection under way would raise
        code = self._socket.connect_ex((server.address, PORT))
        if code and not self._is_tcp:
            raise OSError(code, os.strerror(code))
        if self._is_tcp:
            self._unsent = len(self._query).to_bytes(2, "big") + self._query
            self._buffer = b""
            self._loop.register(self._socket.fileno(), OUT, self._connected)
        else:
            self._loop.register(self._socket.fileno(), IN, self._heard)
            self._socket.send(self._query)

    def _connected(self, _events: int) -> None:
        assert self._socket is not None
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            self.ask()
            return
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._loop.unregister(self._socket.fileno())
            self._loop.register(self._socket.fileno(), IN, self._streamed)

    def _streamed(self, _events: int) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(DATAGRAM)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ask()
            return
        self._buffer += data
        length = int.from_bytes(self._buffer[:2], "big")
        if len(self._buffer) >= 2 + length >= 2 + dns.HEADER.size:
            self._judge(self._buffer[2 : 2 + length])

    def _heard(self, _events: int) -> None:
        assert self._socket is not None
        try:
            answer = self._socket.recv(DATAGRAM)
        except BlockingIOError:
            return
        except OSError:  # nobody listens there
            self.ask()
            return
        self._judge(answer)

    def _judge(self, answer: bytes) -> None:
        if not dns.answers_to(answer, self._query):
            return  # not ours: somebody guesses, or an earlier answer comes late
        if dns.code_of(answer) in (dns.SERVFAIL, dns.REFUSED) and self._servers:
            self.last = answer
            self.ask()
            return
        self._end(answer)

    def _end(self, answer: bytes | None) -> None:
        self.drop()
        if not self.is_over:
            self.is_over = True
            self._over(self, answer)


class Forwarder:
    """All queries that are under way."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._waiting: dict[Forwarded, tuple[str, Reply]] = {}  # with the container that asked

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= MAX_QUERIES

    def forward(
        self,
        container: str,
        query: bytes,
        servers: list[Server],
        namespace: int,
        reply: Reply,
        *,
        is_tcp: bool,
    ) -> None:
        """Ask the servers; `reply` is called once: with None when nobody had an answer."""
        forwarded = Forwarded(self._loop, query, servers, namespace, self._over, is_tcp=is_tcp)
        self._waiting[forwarded] = (container, reply)
        forwarded.ask()

    def forget(self, container: str) -> None:
        """The container has ended: nobody waits any more."""
        for forwarded, (owner, _) in [*self._waiting.items()]:
            if owner == container:
                forwarded.drop()
                del self._waiting[forwarded]

    def next_call(self) -> float:
        """Seconds until somebody has waited long enough; -1 for never."""
        dues = [forwarded.due for forwarded in self._waiting]
        return max(0.0, min(dues) - time.monotonic()) if dues else -1

    def tick(self) -> None:
        """Ask the next server where one was silent."""
        now = time.monotonic()
        for forwarded in [one for one in self._waiting if one.due <= now]:
            forwarded.ask()

    def _over(self, forwarded: Forwarded, answer: bytes | None) -> None:
        _, reply = self._waiting.pop(forwarded)
        reply(answer)


_home: list[int] = []


@contextlib.contextmanager
def visiting(namespace: int) -> Iterator[None]:
    """Be in a network namespace for a moment: sockets made there stay there. One thread only."""
    if not _home:
        _home.append(os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
    namespaces.setns(namespace, namespaces.CLONE_NEWNET)
    try:
        yield
    finally:
        namespaces.setns(_home[0], namespaces.CLONE_NEWNET)
