"""The server: opens listeners, keeps count of connections, ends them in good order."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence

from lading.http.certificates import Certificates
from lading.http.connection import Connection, Handler
from lading.http.limits import Limits
from lading.http.listeners import Listener, UnixListener, open_socket
from lading.http.stream import RawStream
from lading.http.tls import TLSTransport

# Larger pieces come from fresh pages each time and are 2-3 times slower (0.6 against 1.8 GB/s).
RECEIVE_SIZE = 64 * 1024


class Server:
    """Listeners and their connections. Made by `serve`."""

    def __init__(
        self,
        handler: Handler,
        *,
        http2: Callable[[RawStream], Awaitable[None]] | None,
        limits: Limits,
    ) -> None:
        self.handler = handler
        self.http2 = http2
        self.limits = limits
        self.connections: set[Connection] = set()
        self.buffer = memoryview(bytearray(RECEIVE_SIZE))
        self.is_closing = False
        self.sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None
        self._paths: list[str] = []  # of the unix sockets that are ours to remove

    async def listen(self, listener: Listener) -> None:
        """Begin to accept there. Raises OSError."""
        opened = open_socket(listener)
        context = None if isinstance(listener, UnixListener) else listener.tls

        def accept() -> asyncio.BufferedProtocol:
            connection = Connection(self)
            if context is None:
                return connection
            # asked each time: certificates may have been read anew
            now = context.context() if isinstance(context, Certificates) else context
            return TLSTransport(now, connection)

        loop = asyncio.get_running_loop()
        start = loop.create_unix_server if opened.family == socket.AF_UNIX else loop.create_server
        self._servers.append(await start(accept, sock=opened))
        self.sockets.append(opened)
        if isinstance(listener, UnixListener):
            self._paths.append(listener.path)
        if self._sweeper is None:
            self._sweeper = loop.create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.limits.sweep_s)
            now = time.monotonic()
            for connection in list(self.connections):
                connection.expire(now)

    async def aclose(self, *, grace_s: float = 5.0) -> None:
        """Accept nobody, let what runs end by itself for a while, then cancel it."""
        self.is_closing = True
        for path in self._paths:  # before closing: a successor's socket cannot be there yet
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self._paths.clear()
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.end()
        tasks = [c.task for c in self.connections if c.task is not None]
        if tasks and grace_s > 0:
            await asyncio.wait(tasks, timeout=grace_s)
        for connection in list(self.connections):
            connection.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._sweeper is not None:
            self._sweeper.cancel()
        await asyncio.sleep(0)  # the transports that were aborted tell their protocols


async def serve(
    handler: Handler,
    listeners: Sequence[Listener],
    *,
    http2: Callable[[RawStream], Awaitable[None]] | None = None,
    limits: Limits | None = None,
) -> Server:
    """Serve on every listener, or on none: raises OSError when one cannot be opened."""
    server = Server(handler, http2=http2, limits=limits or Limits())
    try:
        for listener in listeners:
            await server.listen(listener)
    except BaseException:
        await server.aclose(grace_s=0)
        raise
    return server
