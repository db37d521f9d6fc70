"""A connection after HTTP has let go of it: bytes in, bytes out, each direction ends by itself."""

import asyncio
import contextlib
from typing import Protocol


class Channel(Protocol):
    """What a stream needs of its connection."""

    async def write(self, data: bytes) -> None: ...
    def write_eof(self) -> None: ...
    async def close(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class RawStream:
    """Both directions of a taken-over connection. One reader and one writer at a time.

    The client's half-close (its SHUT_WR, or close_notify on TLS) ends `read` with b"" and leaves
    `write` working. `is_gone` becomes true when the client cannot hear us any more.
    """

    def __init__(self, channel: Channel, received: bytes, *, buffered_bytes: int) -> None:
        self._channel = channel
        self._received = bytearray(received)
        self._limit = buffered_bytes
        self._eof = False
        self._waiter: asyncio.Future[None] | None = None
        self._gone = asyncio.Event()

    @property
    def is_gone(self) -> bool:
        """Whether the other side has closed both directions, as far as we can tell."""
        return self._gone.is_set()

    async def wait_gone(self) -> None:
        """Return once the client cannot hear us any more (it may never be known on TCP)."""
        await self._gone.wait()

    async def read(self, size: int = 256 * 1024) -> bytes:
        """At least one byte and at most `size`; b"" at the end of the client's bytes."""
        while not self._received:
            if self._eof:
                return b""
            self._channel.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is slow. Raises ClientGone (a ConnectionError)."""
        await self._channel.write(data)

    async def write_eof(self) -> None:
        """Tell the client that no more bytes come; reading goes on."""
        self._channel.write_eof()

    async def close(self) -> None:
        """Close both directions once everything written is sent."""
        await self._channel.close()

    async def finish(self, *, linger_s: float = 2.0) -> None:
        """End our direction, wait a little for the client to end its own, then close.

        Closing with bytes of the client unread would reset the connection, and a reset can take
        away output that the client has not read yet.
        """
        self._channel.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(linger_s):
                while await self.read():
                    pass
        await self._channel.close()

    # --- called by the connection ---

    def feed(self, data: bytes) -> None:
        """Bytes of the client; stops the socket when nobody takes them away."""
        self._received += data
        if len(self._received) > self._limit:
            self._channel.pause_reading()
        self._wake()

    def feed_eof(self) -> None:
        """The client sends no more."""
        self._eof = True
        self._wake()

    def lose(self) -> None:
        """The client is gone altogether."""
        self._gone.set()
        self.feed_eof()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
