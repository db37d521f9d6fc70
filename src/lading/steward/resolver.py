"""The resolver: answers at 127.0.0.11 in every container of a user's network.

One process for all containers. Its sockets were made by the engine in the namespaces of the
containers, where a packet filter redirects port 53 of 127.0.0.11 to them: a program in the
container may have port 53 for itself. Names are what the engine said last; while it is away they
stay, but for those of containers that end.

    serve  {"container", "servers": [[address, from_host]], "forwards", "ndots_set"}
           + the UDP socket, the TCP socket, the namespace
    end    {"containers": [...]}
    put    {"hosts": [{"network", "network_name", "container", "names", "links", "ip", "ipv6"}]}
    remove {"hosts": [[network, container]]}
    list   -> {"sandboxes": [...], "hosts": [[network, container]]}
"""

from __future__ import annotations

import _socket
import os
import random
import time
from functools import partial

from lading.runtime.loop import IN, Loop
from lading.steward import dns_message as dns
from lading.steward.dns_answer import TTL_S, answer
from lading.steward.dns_forward import Forwarder, Server
from lading.steward.serving import Steward, prepare
from lading.steward.zones import Host, Zones

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lading.runtime.messages import Message

CAP_SYS_ADMIN = 21  # linux/capability.h; to ask others from a container's namespace
AT_ONCE = 64  # datagrams of one container, then others have their turn
MAX_STREAMS = 64  # TCP connections of one container
QUIET_S = 10.0  # of a TCP connection, until it is closed
LARGEST_STREAM = 65535


class Sandbox:
    """A container that is answered: its sockets, and whom else to ask for it."""

    __slots__ = (
        "container",
        "forwards",
        "namespace",
        "ndots_set",
        "servers",
        "streams",
        "tcp",
        "udp",
    )

    def __init__(self, request: Message, descriptors: list[int]) -> None:
        """Takes the three descriptors over."""
        self.container: str = request["container"]
        self.udp = _socket.socket(fileno=descriptors[0])
        self.tcp = _socket.socket(fileno=descriptors[1])
        self.namespace = descriptors[2]
        for listening in (self.udp, self.tcp):
            listening.setblocking(False)
        self.streams: dict[int, Stream] = {}
        self.configure(request)

    def configure(self, request: Message) -> None:
        """Whom to ask for names that are not ours."""
        self.servers = [Server(address, from_host=host) for address, host in request["servers"]]
        self.forwards: bool = request["forwards"]
        self.ndots_set: bool = request["ndots_set"]


class Stream:
    """A TCP connection of a container's: questions with their lengths before them."""

    __slots__ = ("buffer", "heard_at", "socket", "waiting")

    def __init__(self, socket: _socket.socket) -> None:
        self.socket = socket
        self.buffer = b""
        self.heard_at = time.monotonic()
        self.waiting = 0  # for answers of others


class Resolver:
    """All sandboxes and all names."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._zones = Zones()
        self._sandboxes: dict[str, Sandbox] = {}
        self._forwarder = Forwarder(loop)
        self._random = random.SystemRandom()

    # --- what the engine says ---------------------------------------------------------------

    def serve(self, request: Message, descriptors: list[int]) -> Message:
        """Answer a container; without descriptors only its servers change."""
        known = self._sandboxes.get(request["container"])
        if not descriptors and known:
            known.configure(request)
            return {}
        if len(descriptors) != 3:
            for descriptor in descriptors:
                os.close(descriptor)
            raise ValueError(f"3 descriptors are needed, not {len(descriptors)}")
        self._close(request["container"])
        made = Sandbox(request, descriptors)
        self._sandboxes[made.container] = made
        self._loop.register(made.udp.fileno(), IN, partial(self._datagrams, made))
        self._loop.register(made.tcp.fileno(), IN, partial(self._accept, made))
        return {}

    def end(self, request: Message, _descriptors: list[int]) -> Message:
        for container in request["containers"]:
            self._close(container)
        return {}

    def put(self, request: Message, _descriptors: list[int]) -> Message:
        for host in request["hosts"]:
            made = Host(
                host["container"], host["names"], host["ip"], host["ipv6"], host.get("links")
            )
            self._zones.put(host["network"], host["network_name"], made)
        return {}

    def remove(self, request: Message, _descriptors: list[int]) -> Message:
        for network, container in request["hosts"]:
            self._zones.remove(network, container)
        return {}

    def list(self, _request: Message, _descriptors: list[int]) -> Message:
        return {"sandboxes": [*self._sandboxes], "hosts": self._zones.entries()}

    # --- what time does ---------------------------------------------------------------------

    def containers(self) -> Iterable[str]:
        """The containers that are answered."""
        return self._sandboxes

    def forget(self, container: str) -> None:
        """The container has ended."""
        self._close(container)
        self._zones.forget(container)

    def next_call(self) -> float:
        """Seconds until `tick` has something to do; -1 for never."""
        waits = [self._forwarder.next_call()]
        if any(sandbox.streams for sandbox in self._sandboxes.values()):
            waits.append(QUIET_S)
        return min((wait for wait in waits if wait >= 0), default=-1)

    def tick(self) -> None:
        """Give up on who is silent."""
        self._forwarder.tick()
        limit = time.monotonic() - QUIET_S
        for sandbox in self._sandboxes.values():
            for stream in [*sandbox.streams.values()]:
                if stream.heard_at < limit:
                    self._hang_up(sandbox, stream)

    # --- what containers ask ----------------------------------------------------------------

    def _datagrams(self, sandbox: Sandbox, _events: int) -> None:
        for _ in range(AT_ONCE):
            try:
                message, address = sandbox.udp.recvfrom(dns.LARGEST)
            except OSError:
                return
            self._answer(sandbox, message, partial(_send, sandbox, address), is_tcp=False)

    def _answer(
        self, sandbox: Sandbox, message: bytes, send: Callable[[bytes], None], *, is_tcp: bool
    ) -> None:
        try:
            query = dns.parse(message)
        except dns.Malformed as error:
            if error.code is not None:
                send(dns.failure(message, error.code))
            return
        limit = LARGEST_STREAM if is_tcp else query.size
        found = answer(
            query, self._zones, sandbox.container, limit=limit, shuffle=self._random.shuffle
        )
        if found is not None:
            send(found)
            return
        is_single = "." not in query.name and query.kind in (dns.A, dns.AAAA)
        if not sandbox.forwards or (sandbox.ndots_set and is_single):
            send(dns.reply(query, dns.NXDOMAIN, limit=limit, ttl=TTL_S))
            return
        if self._forwarder.is_full:
            send(dns.reply(query, dns.REFUSED, limit=limit, ttl=TTL_S))
            return

        def reply(theirs: bytes | None) -> None:
            if theirs is None:
                send(dns.reply(query, dns.SERVFAIL, limit=limit, ttl=TTL_S))
            else:
                send(dns.with_identity(theirs, query.identity))

        self._forwarder.forward(
            *(sandbox.container, message, sandbox.servers, sandbox.namespace, reply),
            is_tcp=is_tcp,
        )

    def _accept(self, sandbox: Sandbox, _events: int) -> None:
        try:
            descriptor = sandbox.tcp._accept()[0]  # type: ignore[attr-defined]
        except OSError:
            return
        socket = _socket.socket(fileno=descriptor)
        if len(sandbox.streams) >= MAX_STREAMS:
            socket.close()
            return
        socket.setblocking(False)
        stream = Stream(socket)
        sandbox.streams[descriptor] = stream
        self._loop.register(descriptor, IN, partial(self._read, sandbox, stream))

    def _read(self, sandbox: Sandbox, stream: Stream, _events: int) -> None:
        try:
            data = stream.socket.recv(LARGEST_STREAM)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up(sandbox, stream)
            return
        stream.heard_at = time.monotonic()
        stream.buffer += data
        while len(stream.buffer) >= 2:
            length = int.from_bytes(stream.buffer[:2], "big")
            if len(stream.buffer) < 2 + length:
                return
            message, stream.buffer = stream.buffer[2 : 2 + length], stream.buffer[2 + length :]
            send = partial(self._send_stream, sandbox, stream)
            self._answer(sandbox, message, send, is_tcp=True)

    def _send_stream(self, sandbox: Sandbox, stream: Stream, message: bytes) -> None:
        """A client that does not take 64 KiB is not worth waiting for."""
        data = len(message).to_bytes(2, "big") + message
        try:
            if stream.socket.fileno() < 0 or stream.socket.send(data) == len(data):
                return
        except OSError:
            pass
        self._hang_up(sandbox, stream)

    def _hang_up(self, sandbox: Sandbox, stream: Stream) -> None:
        descriptor = stream.socket.fileno()
        if sandbox.streams.pop(descriptor, None) is not None:
            self._loop.unregister(descriptor)
            stream.socket.close()

    def _close(self, container: str) -> None:
        sandbox = self._sandboxes.pop(container, None)
        if sandbox is None:
            return
        self._forwarder.forget(container)
        for stream in [*sandbox.streams.values()]:
            self._hang_up(sandbox, stream)
        for listening in (sandbox.udp, sandbox.tcp):
            self._loop.unregister(listening.fileno())
            listening.close()
        os.close(sandbox.namespace)


def _send(sandbox: Sandbox, address: tuple[str, int], message: bytes) -> None:
    try:
        sandbox.udp.sendto(message, address)
    except OSError:
        return  # an answer may be lost


def main(descriptor: int, exec_root: str) -> None:
    """The process."""
    listener = prepare("lading-resolver", descriptor, capabilities=1 << CAP_SYS_ADMIN)
    loop = Loop()
    resolver = Resolver(loop)
    verbs = {
        "serve": resolver.serve,
        "end": resolver.end,
        "put": resolver.put,
        "remove": resolver.remove,
        "list": resolver.list,
    }
    steward = Steward(
        loop,
        listener,
        exec_root,
        verbs,
        containers=resolver.containers,
        forget=resolver.forget,
    )
    steward.tick = resolver.tick
    steward.next_call = resolver.next_call
    steward.run()
