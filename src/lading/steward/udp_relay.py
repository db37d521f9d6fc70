"""A relay of datagrams: a client is an address, and its way back is a socket of its own.

A datagram from a new address makes a socket that is connected to the container; what comes back on
that one goes to the client, from the address that the client had asked (a socket that is bound to
all addresses has to be told which). A client that is silent for QUIET_S is forgotten.
"""

from __future__ import annotations

import _socket
import errno
import os
import time
from functools import partial

from lading.runtime.loop import IN, Loop
from lading.steward.sources import Sources

QUIET_S = 90.0  # as dockerd's proxy
MAX_CLIENTS = 1024
DATAGRAM = 65535
AT_ONCE = 64
IP_PKTINFO = 8  # linux/in.h
IPV6_RECVPKTINFO, IPV6_PKTINFO = 49, 50  # linux/in6.h

TYPE_CHECKING = False
if TYPE_CHECKING:
    Address = tuple[str, int] | tuple[str, int, int, int]
    Key = tuple[Address, bytes]


class Client:
    """One client: the socket to the container, and how to answer."""

    __slots__ = ("address", "heard_at", "information", "socket")

    def __init__(self, socket: _socket.socket, address: Address, information: bytes) -> None:
        self.socket = socket
        self.address = address
        self.information = information  # in_pktinfo or in6_pktinfo of what it sent
        self.heard_at = time.monotonic()


class UdpRelay:
    """Takes datagrams on a bound socket to one address."""

    def __init__(
        self, loop: Loop, descriptor: int, target: tuple[str, int], sources: list[str]
    ) -> None:
        self._loop = loop
        self._target = target
        self._sources = Sources(sources)
        self._socket = _socket.socket(fileno=os.dup(descriptor))
        self._socket.setblocking(False)
        if self._socket.family == _socket.AF_INET6:
            self._level, self._kind = _socket.IPPROTO_IPV6, IPV6_PKTINFO
            self._socket.setsockopt(self._level, IPV6_RECVPKTINFO, 1)
        else:
            self._level, self._kind = _socket.IPPROTO_IP, IP_PKTINFO
            self._socket.setsockopt(self._level, IP_PKTINFO, 1)
        self._clients: dict[Key, Client] = {}  # the one that was heard last is the last
        loop.register(self._socket.fileno(), IN, self._from_client)

    def close(self) -> None:
        """Stop listening, and forget every client."""
        self._loop.unregister(self._socket.fileno())
        self._socket.close()
        for key in [*self._clients]:
            self._forget(key)

    def next_expiry(self) -> float:
        """Seconds until somebody is to be forgotten; -1 for never."""
        first = next(iter(self._clients.values()), None)
        if first is None:
            return -1
        return max(0.0, first.heard_at + QUIET_S - time.monotonic())

    def expire(self) -> None:
        """Forget who has been silent for long."""
        limit = time.monotonic() - QUIET_S
        while self._clients:
            key, client = next(iter(self._clients.items()))
            if client.heard_at > limit:
                return
            self._forget(key)

    def _from_client(self, _events: int) -> None:
        for _ in range(AT_ONCE):
            try:
                space = _socket.CMSG_SPACE(20)  # of an in6_pktinfo, the larger one
                data, ancillary, _, address = self._socket.recvmsg(DATAGRAM, space)
            except OSError:  # EAGAIN, or what the network says of an answer
                return
            if not self._sources.allow(address[0]):
                continue
            try:
                client = self._client(address, self._information(ancillary))
                client.socket.send(data)
            except OSError:
                continue  # a datagram may be lost

    def _client(self, address: Address, information: bytes) -> Client:
        """The client, new or known. Raises OSError."""
        key = (address, information)
        client = self._clients.pop(key, None)
        if client is None:
            if len(self._clients) >= MAX_CLIENTS:
                self._forget(next(iter(self._clients)))
            client = Client(self._new_socket(), address, information)
            self._loop.register(client.socket.fileno(), IN, partial(self._from_container, key))
        client.heard_at = time.monotonic()
        self._clients[key] = client
        return client

    def _new_socket(self) -> _socket.socket:
        family = _socket.AF_INET6 if ":" in self._target[0] else _socket.AF_INET
        kind = _socket.SOCK_DGRAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        made = _socket.socket(family, kind)
        try:
            made.connect(self._target)
        except OSError:
            made.close()
            raise
        return made

    def _from_container(self, key: Key, _events: int) -> None:
        client = self._clients[key]
        for _ in range(AT_ONCE):
            try:
                data = client.socket.recv(DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ECONNREFUSED:  # nobody listens there (yet)
                    self._forget(key)
                return
            try:
                ancillary = [(self._level, self._kind, client.information)]
                self._socket.sendmsg(
                    [data], ancillary if client.information else [], 0, client.address
                )
            except OSError:
                continue

    def _information(self, ancillary: list[tuple[int, int, bytes]]) -> bytes:
        """Which address was asked, as it has to be said when answering."""
        for level, kind, data in ancillary:
            if (level, kind) == (self._level, self._kind):
                if level == _socket.IPPROTO_IP:  # in_pktinfo: interface, local, destination
                    return data[:4] + data[8:12] + bytes(4)
                return data
        return b""

    def _forget(self, key: Key) -> None:
        client = self._clients.pop(key)
        self._loop.unregister(client.socket.fileno())
        client.socket.close()
