"""The porter's relays, run in a thread here, between real sockets on the loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from lading.runtime.loop import IN, Loop
from lading.steward import udp_relay
from lading.steward.tcp_relay import TcpRelay
from lading.steward.udp_relay import UdpRelay

if TYPE_CHECKING:
    from collections.abc import Iterator

MUCH = os.urandom(1 << 20) * 8


class Running:
    """A relay whose loop turns in a thread."""

    def __init__(self, relay: TcpRelay | UdpRelay, loop: Loop, address: tuple[str, int]) -> None:
        self.relay = relay
        self.address = address
        self._loop = loop
        self._is_over = False
        self._wake, self._waker = os.pipe()
        loop.register(self._wake, IN, lambda _: None)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_over:
            self._loop.run_once(1)

    def stop(self) -> None:
        self._is_over = True
        os.write(self._waker, b"x")
        self._thread.join()
        self.relay.close()
        os.close(self._wake)
        os.close(self._waker)


@pytest.fixture
def target() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.settimeout(20)
        yield listener


@pytest.fixture
def relay(target: socket.socket) -> Iterator[Running]:
    with socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=64) as listener:
        loop = Loop()
        made = TcpRelay(loop, listener.fileno(), target.getsockname(), [])
        running = Running(made, loop, listener.getsockname()[:2])
        yield running
        running.stop()


def connect(relay: Running) -> socket.socket:
    made = socket.create_connection(relay.address, 20)
    made.settimeout(20)
    return made


def read_all(source: socket.socket) -> bytes:
    parts = []
    while part := source.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def test_each_direction_ends_by_itself(relay: Running, target: socket.socket) -> None:
    with connect(relay) as client:
        server, _ = target.accept()
        with server:
            server.settimeout(20)
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            assert read_all(server) == b"question"
            server.sendall(b"answer")
            server.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"answer"


def test_much_goes_both_ways_at_once(relay: Running, target: socket.socket) -> None:
    with connect(relay) as client:
        server, _ = target.accept()
        with server:
            server.settimeout(20)

            def send(to: socket.socket) -> None:
                to.sendall(MUCH)
                to.shutdown(socket.SHUT_WR)

            senders = [threading.Thread(target=send, args=[to]) for to in (client, server)]
            found: list[bytes] = []
            readers = [
                threading.Thread(target=lambda s=s: found.append(read_all(s)))
                for s in (client, server)
            ]
            for thread in (*senders, *readers):
                thread.start()
            for thread in (*senders, *readers):
                thread.join()
    assert [part == MUCH for part in found] == [True, True]


def test_a_reader_that_rests_holds_up_nobody_else(relay: Running, target: socket.socket) -> None:
    with connect(relay) as slow:
        server, _ = target.accept()
        with server:
            server.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    server.send(bytes(1 << 16))
            with connect(relay) as other:
                second, _ = target.accept()
                with second:
                    second.sendall(b"quick")
                    assert other.recv(10) == b"quick"
            slow.close()


def test_a_target_that_refuses_ends_the_connection(relay: Running, target: socket.socket) -> None:
    target.close()
    with connect(relay) as client, contextlib.suppress(ConnectionResetError):
        assert client.recv(10) == b""


def test_a_break_on_one_side_ends_the_other(relay: Running, target: socket.socket) -> None:
    with connect(relay) as client:
        server, _ = target.accept()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.close()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(10) == b""


def test_connections_leave_no_descriptor_behind(relay: Running, target: socket.socket) -> None:
    def once() -> None:
        with connect(relay) as client:
            server, _ = target.accept()
            server.sendall(b"x")
            server.close()
            assert read_all(client) == b"x"

    once()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        once()
    assert len(os.listdir("/proc/self/fd")) <= before + 4


def test_only_listed_sources_are_taken(target: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        loop = Loop()
        # the loopback always may; an address of this host that is none stands for a stranger
        made = TcpRelay(loop, listener.fileno(), target.getsockname(), ["192.0.2.0/24"])
        running = Running(made, loop, listener.getsockname())
        with connect(running) as client:
            server, _ = target.accept()
            server.sendall(b"x")
            server.close()
            assert client.recv(1) == b"x"
        running.stop()


@pytest.fixture
def datagrams() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(20)
        yield made


@pytest.fixture
def udp(datagrams: socket.socket) -> Iterator[Running]:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bound:
        bound.bind(("::", 0))
        loop = Loop()
        made = UdpRelay(loop, bound.fileno(), datagrams.getsockname(), [])
        running = Running(made, loop, ("::1", bound.getsockname()[1]))
        yield running
        running.stop()


def udp_client(relay: Running) -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.settimeout(20)
    made.connect(relay.address)  # answers from another address are refused
    return made


def test_datagrams_go_and_come_back_to_who_sent_them(
    udp: Running, datagrams: socket.socket
) -> None:
    with udp_client(udp) as first, udp_client(udp) as second:
        first.send(b"1")
        one, ways = datagrams.recvfrom(10)
        second.send(b"2")
        two, other = datagrams.recvfrom(10)
        assert (one, two, ways == other) == (b"1", b"2", False)
        datagrams.sendto(b"to 2", other)
        datagrams.sendto(b"to 1", ways)
        assert (first.recv(10), second.recv(10)) == (b"to 1", b"to 2")


def test_who_is_silent_is_forgotten_and_may_come_again(
    udp: Running, datagrams: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = udp.relay
    assert isinstance(relay, UdpRelay)
    with udp_client(udp) as client:
        client.send(b"1")
        datagrams.recv(10)
        assert 0 < relay.next_expiry() <= udp_relay.QUIET_S
        monkeypatch.setattr(udp_relay, "QUIET_S", -1.0)
        relay.expire()
        assert relay.next_expiry() == -1
        client.send(b"2")
        _, way = datagrams.recvfrom(10)
        datagrams.sendto(b"back", way)
        assert client.recv(10) == b"back"


def test_too_many_clients_push_the_oldest_out(
    udp: Running, datagrams: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp_relay, "MAX_CLIENTS", 2)
    clients = [udp_client(udp) for _ in range(3)]
    ways = []
    for client in clients:
        client.send(b"x")
        ways.append(datagrams.recvfrom(10)[1])
    for way in ways[1:]:
        datagrams.sendto(b"back", way)
    assert [client.recv(10) for client in clients[1:]] == [b"back", b"back"]
    for client in clients:
        client.close()
