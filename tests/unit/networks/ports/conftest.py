"""A small world: the host, a neighbour on its wire, containers, and programs in each of them."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.unit.networks.wire import inside, neighbour

from lading.kernel.netlink import NetlinkSocket, link
from lading.networks import Endpoint, Networks

CONTAINER = "c" * 64


def is_served(protocol: str, to: tuple[str, int], timeout_s: float = 5) -> str:
    """Ask the echo at an address from here: what it says about us, or "" if there is none."""
    family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as asking:
        asking.settimeout(timeout_s)
        try:
            asking.connect(to)
            asking.send(b"who am I?")
            return asking.recv(200).decode()
        except OSError:
            return ""


def is_silent(protocol: str, to: tuple[str, int]) -> bool:
    """Whether nobody answers at an address, for a while that is long for those who would."""
    return is_served(protocol, to, 0.4) == ""


class Echo:
    """A server in a container that tells each client by which address it sees it."""

    def __init__(self, endpoint: Endpoint, port: int = 80) -> None:
        def make() -> tuple[socket.socket, socket.socket]:
            datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            datagrams.bind(("::", port))
            family = socket.AF_INET6
            streams = socket.create_server(("::", port), family=family, dualstack_ipv6=True)
            return streams, datagrams

        self._tcp, self._udp = inside(endpoint.netns_fd, make)
        for serve in (self._serve_tcp, self._serve_udp):
            threading.Thread(target=serve, daemon=True).start()

    def _serve_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, seen = self._tcp.accept()
                with client:
                    client.settimeout(20)
                    if client.recv(100):
                        client.sendall(_name(seen))

    def _serve_udp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                _, seen = self._udp.recvfrom(100)
                if seen is None:
                    return
                self._udp.sendto(_name(seen), seen)

    def close(self) -> None:
        for one in (self._tcp, self._udp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _name(seen: tuple[str, int]) -> bytes:
    return seen[0].removeprefix("::ffff:").encode()


@pytest.fixture
def serve() -> Iterator[Callable[..., Echo]]:
    """Starts echoes that end with the test."""
    made: list[Echo] = []

    def start(endpoint: Endpoint, port: int = 80) -> Echo:
        made.append(Echo(endpoint, port))
        return made[-1]

    yield start
    for echo in made:
        echo.close()


@pytest.fixture
def host(own_namespace: int) -> int:
    """The test's host, with its loopback up."""
    with NetlinkSocket() as here:
        here.request(link.set_up(1))
    return own_namespace


@pytest.fixture
def outside(host: int) -> Iterator[int]:
    """The namespace of a neighbour on the host's own wire; the host's loopback is up."""
    with neighbour() as descriptor:
        yield descriptor


@pytest.fixture
def published_networks(
    host: int, open_networks: Callable[..., Networks]
) -> Iterator[Callable[..., Networks]]:
    """Opens networks whose ports, and the porter with them, end with the test."""
    made: list[Networks] = []

    def start(*arguments: object, **words: object) -> Networks:
        made.append(open_networks(*arguments, **words))
        return made[-1]

    yield start
    last = made[-1]
    last.ports.remove_everything()


@pytest.fixture
def networks(published_networks: Callable[..., Networks]) -> Networks:
    return published_networks()


def until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    """Wait until something holds, or fail."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)
