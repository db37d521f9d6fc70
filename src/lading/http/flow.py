"""Writing at the client's pace, and learning that there is no client: what asyncio leaves open."""

import asyncio
import contextlib
import fcntl
import os
import select
import socket
import termios

_TAKEN_ROUNDS, _TAKEN_WAIT_S = 100, 0.0002  # 20 ms at most: a client that slow reads it later


class ClientGone(ConnectionResetError):
    """The other side of this connection is gone: nobody's fault, and nobody to tell."""


class Outlet:
    """The writing side of a connection: bytes go out, and the writer waits while they pile up."""

    __slots__ = ("_drained", "_is_full", "is_lost", "transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.is_lost = False
        self._is_full = False
        self._drained: asyncio.Future[None] | None = None

    async def write(self, data: bytes) -> None:
        """Send. Raises ClientGone when the client is gone."""
        if data and not self.is_lost:
            self.transport.write(data)
        while self._is_full and not self.is_lost:
            self._drained = asyncio.get_running_loop().create_future()
            try:
                await self._drained
            finally:
                self._drained = None
        if self.is_lost:
            raise ClientGone

    def write_eof(self) -> None:
        """Half-close our direction."""
        if not self.is_lost and self.transport.can_write_eof():
            self.transport.write_eof()

    def pause(self) -> None:
        """The transport holds as much as it wants to."""
        self._is_full = True

    def resume(self) -> None:
        """The transport takes more."""
        self._is_full = False
        wake(self._drained)

    def lose(self) -> None:
        """Nothing can be written any more."""
        self.is_lost = True
        wake(self._drained)


def wake(waiter: "asyncio.Future[None] | None") -> None:
    """Let go whoever waits, if anybody still does."""
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def is_unix(transport: asyncio.BaseTransport) -> bool:
    """Whether the client is on this host, so that the kernel knows what it has closed."""
    opened = transport.get_extra_info("socket")
    return opened is not None and opened.family == socket.AF_UNIX


async def wait_taken(transport: asyncio.BaseTransport) -> None:
    """Wait a moment until a client on this host has read what was written.

    A client that reads a head through a buffer and goes on with the bare socket, as docker-py does,
    loses what arrives together with the head. man 7 unix, SIOCOUTQ.
    """
    opened = transport.get_extra_info("socket")
    if opened is None or opened.family != socket.AF_UNIX:
        return
    for _ in range(_TAKEN_ROUNDS):
        if opened.fileno() < 0:  # the client went away meanwhile
            return
        if not int.from_bytes(fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, bytes(4)), "little"):
            return
        await asyncio.sleep(_TAKEN_WAIT_S)


def last_bytes(transport: asyncio.BaseTransport, limit: int) -> bytes:
    """What a client on this host had sent before it closed, as far as nobody has read it.

    The kernel keeps it on a unix socket, also after a write has failed with EPIPE.
    """
    received = bytearray()
    if is_unix(transport):
        descriptor = transport.get_extra_info("socket").fileno()
        with contextlib.suppress(OSError):  # nothing more, or closed already
            while len(received) < limit and (data := os.read(descriptor, limit - len(received))):
                received += data
    return bytes(received)


def has_hung_up(transport: asyncio.BaseTransport) -> bool:
    """Whether the client has closed both directions (unix), or reset the connection (TCP)."""
    opened = transport.get_extra_info("socket")
    if opened is None or opened.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(opened.fileno(), 0)  # POLLHUP and POLLERR come unasked (man 2 poll)
    return bool(poll.poll(0))
