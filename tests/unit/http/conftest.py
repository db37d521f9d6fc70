"""A server on a thread of its own, and clients that speak to it over real sockets."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lading.http import (
    Limits,
    Listener,
    RawStream,
    Request,
    Response,
    Server,
    TcpListener,
    UnixListener,
)
from lading.http.server import serve

CERTIFICATE = Path(__file__).with_name("localhost.pem")  # made for these tests, trusted by nobody
Handler = Callable[[Request], Awaitable[Response]]


class Client:
    """A blocking socket."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        connected.settimeout(10)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, size: int = 65536) -> bytes:
        return self.socket.recv(size)

    def receive_until(self, end: bytes) -> bytes:
        received = b""
        while not received.endswith(end):
            data = self.receive(1)
            if not data:
                raise EOFError(received)
            received += data
        return received

    def receive_all(self) -> bytes:
        return b"".join(iter(self.receive, b""))

    def send_until_full(self, pieces: int) -> int:
        """Send pieces of 64 KiB until nobody takes them for 0.3 s; how many were taken."""
        self.socket.settimeout(0.3)
        for sent in range(pieces):
            try:
                self.send(bytes(1 << 16))
            except TimeoutError:
                return sent
        return pieces

    def is_cut(self) -> bool:
        try:
            return self.receive() == b""
        except ConnectionError:
            return True

    def end(self) -> None:
        """Send no more; go on receiving."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()


class TLSClient(Client):
    """TLS on memory buffers, for it must read after its close_notify as Go's clients do."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__(connected)
        context = ssl.create_default_context(cafile=str(CERTIFICATE))
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._wait(self._tls.do_handshake)

    def _wait(self, action: Callable[[], Any]) -> Any:
        while True:
            try:
                result = action()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self.socket.recv(65536)
                self._in.write(data) if data else self._in.write_eof()

    def _flush(self) -> None:
        if self._out.pending:
            self.socket.sendall(self._out.read())

    def send(self, data: bytes) -> None:
        self._wait(lambda: self._tls.write(data))

    def receive(self, size: int = 65536) -> bytes:
        try:
            return bytes(self._wait(lambda: self._tls.read(size)))
        except ssl.SSLZeroReturnError:
            return b""

    def end(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._flush()


class Running:
    """A server that runs, its loop, and ways to connect to it."""

    def __init__(self, path: str, port: int, tls_port: int) -> None:
        self.path, self.port, self.tls_port = path, port, tls_port
        self.server: Server
        self.loop: asyncio.AbstractEventLoop
        self.clients: list[Client] = []

    def connect(self, transport: str = "unix") -> Client:
        if transport == "unix":
            connected = socket.socket(socket.AF_UNIX)
            connected.connect(self.path)
        else:
            port = self.tls_port if transport == "tls" else self.port
            connected = socket.create_connection(("127.0.0.1", port))
        client = TLSClient(connected) if transport == "tls" else Client(connected)
        self.clients.append(client)
        return client

    def ask(self, request: bytes, transport: str = "unix") -> bytes:
        """Send a request on a connection that then closes; the whole answer."""
        client = self.connect(transport)
        client.send(request)
        return client.receive_all()

    @staticmethod
    def wait_until(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)

    def call(self, work: Awaitable[Any]) -> Any:
        async def run() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(15)


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(handler, limits=..., http2=...)` serves on a unix, a TCP and a TLS socket."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started: list[Running] = []

    def run(
        handler: Handler,
        limits: Limits | None = None,
        http2: Callable[[RawStream], Awaitable[None]] | None = None,
    ) -> Running:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        path = str(tmp_path / "http.sock")
        listeners: list[Listener] = [
            UnixListener(path),
            TcpListener("127.0.0.1", 0),
            TcpListener("127.0.0.1", 0, tls=context),
        ]
        future = asyncio.run_coroutine_threadsafe(
            serve(handler, listeners, http2=http2, limits=limits), loop
        )
        server = future.result(10)
        running = Running(path, *(opened.getsockname()[1] for opened in server.sockets[1:]))
        running.server, running.loop = server, loop
        started.append(running)
        return running

    yield run
    for running in started:
        running.call(running.server.aclose(grace_s=0))
        for client in running.clients:
            client.close()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
