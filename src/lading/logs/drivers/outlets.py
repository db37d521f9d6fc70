"""The sockets that drivers send through: datagrams (udp, unixgram) and streams (tcp, unix, TLS).

Each raises SinkDown for everything that goes wrong with the other end. A stream's `send` returns
when the other end's kernel has taken all bytes (SIOCOUTQ, man 7 tcp and man 7 unix): what a
receiver that dies leaves in our kernel is sent again to the next one; `write` alone would lose it.
"""

import asyncio
import errno
import fcntl
import os
import select
import socket
import ssl
import sys
import termios
from collections.abc import Iterable
from typing import Any

from lading.logs.driver import SinkDown
from lading.logs.drivers.addresses import Address

CLOSED = "the receiver has closed the connection"
CONNECT_S = 10.0
UNANSWERED_MS = 60_000  # TCP_USER_TIMEOUT: a receiver that acknowledges nothing is given up
FIRST_LOOK_S, LONGEST_LOOK_S = 0.0005, 0.05
BURST = 64  # so many datagrams before others have their turn
FULL = (errno.EAGAIN, errno.ENOBUFS)


class Datagrams:
    """A connected datagram socket."""

    def __init__(self, endpoint: socket.socket) -> None:
        self._socket = endpoint
        self._count = 0  # packets sent

    @classmethod
    async def open(cls, address: Address) -> "Datagrams":
        """Raises SinkDown."""
        found = await _resolved(address, socket.SOCK_DGRAM)
        # nothing tells whether anybody listens, so the family is chosen as Go does it: IPv4 first
        family, target = min(found, key=lambda pair: pair[0] == socket.AF_INET6)
        endpoint = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            endpoint.connect(target)
        except OSError as error:
            endpoint.close()
            raise SinkDown(f"{address}: {error.strerror}") from error
        return cls(endpoint)

    async def send(self, packets: Iterable[bytes]) -> None:
        """Hand each to the kernel. Raises SinkDown; OSError EMSGSIZE for one that is too large."""
        for packet in packets:
            self._count += 1
            if self._count % BURST == 0:
                await asyncio.sleep(0)  # a socket that takes everything must not keep the loop
            while True:
                try:
                    self._socket.send(packet)
                    break
                except OSError as error:
                    if error.errno == errno.EMSGSIZE:
                        raise
                    if error.errno not in FULL:
                        raise SinkDown(error.strerror) from error
                    await asyncio.sleep(LONGEST_LOOK_S / 10)

    @property
    def socket(self) -> socket.socket:
        """For what only some kinds can, such as passing descriptors."""
        return self._socket

    async def close(self) -> None:
        """Let go."""
        self._socket.close()


class Stream:
    """A connected stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer
        writer.transport.set_write_buffer_limits(high=0)  # `drain` waits for all of it

    @classmethod
    async def open(cls, address: Address, context: ssl.SSLContext | None = None) -> "Stream":
        """Raises SinkDown."""
        problem: Exception = SinkDown("no address")
        for family, target in await _resolved(address, socket.SOCK_STREAM):
            endpoint = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            try:
                async with asyncio.timeout(CONNECT_S):
                    return cls(*await _connected(endpoint, target, address, context))
            except (OSError, TimeoutError) as error:
                endpoint.close()
                problem = error
            except BaseException:
                endpoint.close()
                raise
        raise SinkDown(f"{address}: {_reason(problem)}") from problem

    async def send(self, data: bytes) -> None:
        """Until the other end's kernel has it. Raises SinkDown."""
        try:
            self._look()
            self._writer.write(data)
            await self._writer.drain()
            await self._wait_taken()
        except OSError as error:
            raise SinkDown(_reason(error)) from error

    async def _wait_taken(self) -> None:
        endpoint = self._writer.get_extra_info("socket")
        wait_s = FIRST_LOOK_S
        while True:
            self._look()
            untaken = fcntl.ioctl(endpoint.fileno(), termios.TIOCOUTQ, bytes(4))
            if not int.from_bytes(untaken, sys.byteorder):
                break
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_LOOK_S)
        # a unix socket that is closed drops what it has not read, after it has told of its end
        ends = select.poll()
        ends.register(endpoint.fileno(), select.POLLRDHUP)
        if ends.poll(0):
            raise SinkDown(CLOSED)

    def _look(self) -> None:
        if self.reader.at_eof() or self._writer.transport.is_closing():
            raise SinkDown(CLOSED)

    async def close(self) -> None:
        """Let go."""
        self._writer.transport.abort()


async def _connected(
    endpoint: socket.socket, target: Any, address: Address, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    await asyncio.get_running_loop().sock_connect(endpoint, target)
    if endpoint.family != socket.AF_UNIX:
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    name = address.host if context else None
    return await asyncio.open_connection(sock=endpoint, ssl=context, server_hostname=name)


async def _resolved(address: Address, kind: int) -> list[tuple[int, Any]]:
    """(family, address for connect) of each that the name has. Raises SinkDown."""
    if address.network.startswith("unix"):
        return [(socket.AF_UNIX, address.host)]
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            found = await loop.getaddrinfo(address.host, address.port, type=kind)
    except (OSError, TimeoutError) as error:
        raise SinkDown(f"{address}: {_reason(error)}") from error
    return [(entry[0], entry[4]) for entry in found]


def _reason(error: Exception) -> str:
    """Without asyncio's wording; getaddrinfo's and TLS's numbers are not errno's."""
    if isinstance(error, TimeoutError) and not error.errno:
        return "no answer"
    if not isinstance(error, OSError) or isinstance(error, socket.gaierror | ssl.SSLError):
        return str(error)
    return os.strerror(error.errno) if error.errno else str(error)
