"""Asking other servers: one after the other, by UDP and TCP; the servers are threads here."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.unit.steward.test_dns_message import ask

from lading.runtime.loop import Loop
from lading.steward import dns_forward
from lading.steward import dns_message as dns
from lading.steward.dns_forward import Forwarder, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Judge = "Callable[[bytes], bytes | None]"


def answer(query: bytes, code: int = 0) -> bytes:
    """The query as an answer without records."""
    return query[:2] + struct.pack(">H", 0x8180 | code) + query[4:]


class FakeServer:
    """A server at one address of the loopback, by UDP and TCP."""

    def __init__(self, address: str, port: int, judge: Callable[[bytes], bytes | None]) -> None:
        self.asked = 0
        self._judge = judge
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, port))
        self._tcp = socket.create_server((address, port))
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def _serve_udp(self) -> None:
        while True:
            try:
                query, client = self._udp.recvfrom(4096)
            except OSError:
                return
            if client is None:
                return
            self.asked += 1
            found = self._judge(query)
            if found is not None:
                self._udp.sendto(found, client)

    def _serve_tcp(self) -> None:
        while True:
            try:
                client, _ = self._tcp.accept()
            except OSError:
                return
            with client:
                query = client.recv(4096)[2:]
                self.asked += 1
                found = self._judge(query)
                if found is not None:
                    data = len(found).to_bytes(2, "big") + found
                    client.sendall(data[:1])  # in pieces, as a network may
                    client.sendall(data[1:])

    def close(self) -> None:
        for one in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that is free at every address of the loopback, in place of 53."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        found = int(probe.getsockname()[1])
    monkeypatch.setattr(dns_forward, "PORT", found)
    monkeypatch.setattr(dns_forward, "PATIENCE_S", 0.1)
    return found


@pytest.fixture
def serve(port: int) -> Iterator[Callable[..., FakeServer]]:
    made: list[FakeServer] = []

    def start(address: str, judge: Callable[[bytes], bytes | None] = answer) -> FakeServer:
        made.append(FakeServer(address, port, judge))
        return made[-1]

    yield start
    for server in made:
        server.close()


def forward(*addresses: str, is_tcp: bool = False) -> bytes | None:
    """What is found out about web.example by asking these servers."""
    loop = Loop()
    forwarder = Forwarder(loop)
    told: list[bytes | None] = []
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    servers = [Server(address, from_host=False) for address in addresses]
    query = ask("web.example")
    forwarder.forward("c1", query, servers, namespace, told.append, is_tcp=is_tcp)
    deadline = time.monotonic() + 20
    while not told and time.monotonic() < deadline:
        loop.run_once(forwarder.next_call())
        forwarder.tick()
    os.close(namespace)
    assert forwarder.next_call() == -1
    assert len(told) == 1
    return told[0]


@pytest.mark.parametrize("is_tcp", [False, True])
def test_the_first_server_that_knows_is_believed(
    serve: Callable[..., FakeServer], is_tcp: bool
) -> None:
    serve("127.0.0.2")
    second = serve("127.0.0.3")
    found = forward("127.0.0.2", "127.0.0.3", is_tcp=is_tcp)
    assert found is not None
    assert found[2:] == answer(ask("web.example"))[2:]
    assert second.asked == 0


@pytest.mark.parametrize("is_tcp", [False, True])
@pytest.mark.parametrize("code", [dns.SERVFAIL, dns.REFUSED])
def test_a_server_that_fails_hands_over_to_the_next(
    serve: Callable[..., FakeServer], code: int, is_tcp: bool
) -> None:
    serve("127.0.0.2", lambda query: answer(query, code))
    serve("127.0.0.3")
    found = forward("127.0.0.2", "127.0.0.3", is_tcp=is_tcp)
    assert found is not None
    assert dns.code_of(found) == dns.NOERROR


def test_that_a_name_is_not_there_is_an_answer(serve: Callable[..., FakeServer]) -> None:
    serve("127.0.0.2", lambda query: answer(query, dns.NXDOMAIN))
    second = serve("127.0.0.3")
    found = forward("127.0.0.2", "127.0.0.3")
    assert found is not None
    assert (dns.code_of(found), second.asked) == (dns.NXDOMAIN, 0)


def test_if_all_fail_the_last_failure_is_told(serve: Callable[..., FakeServer]) -> None:
    serve("127.0.0.2", lambda query: answer(query, dns.REFUSED))
    found = forward("127.0.0.2", "127.0.0.4")  # where nobody listens
    assert found is not None
    assert dns.code_of(found) == dns.REFUSED
    assert forward("127.0.0.4") is None


@pytest.mark.parametrize("is_tcp", [False, True])
def test_a_silent_server_is_waited_for_a_while(
    serve: Callable[..., FakeServer], is_tcp: bool
) -> None:
    serve("127.0.0.2", lambda _: None)
    serve("127.0.0.3")
    assert forward("127.0.0.2", "127.0.0.3", is_tcp=is_tcp) is not None
    assert forward("127.0.0.2", is_tcp=is_tcp) is None


def test_no_more_than_three_servers_are_asked(serve: Callable[..., FakeServer]) -> None:
    servers = [serve(f"127.0.0.{n}", lambda q: answer(q, dns.SERVFAIL)) for n in range(2, 6)]
    forward(*(f"127.0.0.{n}" for n in range(2, 6)))
    assert [server.asked for server in servers] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    "forge",
    [
        lambda query: bytes([query[0] ^ 1]) + answer(query)[1:],  # another id
        lambda query: answer(query)[:12] + b"\3bad" + answer(query)[16:],  # another question
    ],
)
def test_a_forged_answer_is_not_taken(
    serve: Callable[..., FakeServer], forge: Callable[[bytes], bytes]
) -> None:
    serve("127.0.0.2", forge)
    assert forward("127.0.0.2") is None


def test_the_id_on_the_wire_is_not_the_clients(serve: Callable[..., FakeServer]) -> None:
    seen: set[bytes] = set()

    def note(query: bytes) -> bytes:
        seen.add(query[:2])
        return answer(query)

    serve("127.0.0.2", note)
    for _ in range(4):
        forward("127.0.0.2")
    assert len(seen) > 1
