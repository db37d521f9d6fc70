"""TLS with half-close: a transport to the connection above, a protocol to the socket below.

asyncio's own TLS closes the connection when the client ends its direction. Docker's clients do end
it, to say "no more stdin", and then wait for output: Go's tls.Conn.CloseWrite sends close_notify
and reads on. So the record layer is driven here: Python's `ssl` on memory buffers, which lets both
directions end by themselves (RFC 8446 section 6.1 says that they do).

    socket bytes -> _incoming -> SSLObject.read -> protocol.data_received
    transport.write -> SSLObject.write -> _outgoing -> socket bytes
"""

import asyncio
import contextlib
import ssl
from typing import Any

_READ_SIZE = 64 * 1024


class Upper(asyncio.BufferedProtocol):
    """What stands on a TLS connection: a protocol that can also be told "nobody hears you"."""

    __slots__ = ()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to receive; shared, so its bytes are taken away at once."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""

    def hang_up(self) -> None:
        """The client has closed both directions."""


class TLSTransport(asyncio.Transport, asyncio.BufferedProtocol):
    """One TLS connection of a server; flow control is the raw transport's, passed through."""

    def __init__(self, context: ssl.SSLContext, protocol: Upper) -> None:
        super().__init__()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._protocol = protocol
        self._raw: asyncio.Transport | None = None
        self._established = False
        self._paused = False
        self._ended = False  # the client's direction
        self._closing = False

    # --- the protocol below ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._raw = transport
        self._protocol.connection_made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._protocol.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        with memoryview(self._protocol.get_buffer(nbytes)) as received:
            self._incoming.write(received[:nbytes])
        self._advance()

    def eof_received(self) -> bool:
        if self._ended:  # close_notify came before: now the client has closed for good
            self._protocol.hang_up()
        else:
            self._incoming.write_eof()  # a cut: the next read says so
            self._paused = False
            self._advance()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        self._raw = None
        self._protocol.connection_lost(error)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def _advance(self) -> None:
        """Shake hands, then hand up everything that can be deciphered."""
        try:
            if not self._established:
                self._tls.do_handshake()
                self._established = True
            while not self._paused and not self._ended:
                data = self._tls.read(_READ_SIZE)
                if not data:
                    self._end()
                    break
                self._protocol.data_received(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._end()
        except ssl.SSLError:  # not TLS, a bad certificate, a cut: the alert says so
            self._flush()
            self.abort()
            return
        self._flush()

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        if not self._established or not self._protocol.eof_received():
            self.close()

    def _flush(self) -> None:
        if self._outgoing.pending and self._raw is not None:
            self._raw.write(self._outgoing.read())

    # --- the transport above ---

    def write(self, data: Any) -> None:
        if self._raw is None or self._closing:
            return
        self._tls.write(data)
        self._flush()

    def write_eof(self) -> None:
        """Send close_notify; the client may go on sending."""
        if not self._established or self._raw is None:
            return
        with contextlib.suppress(ssl.SSLError):  # it waits for the client's; ours is written
            self._tls.unwrap()
        self._flush()

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        if self._closing or self._raw is None:
            return
        self.write_eof()
        self._closing = True
        self._raw.close()

    def abort(self) -> None:
        self._closing = True
        if self._raw is not None:
            self._raw.abort()

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._paused = True
        if self._raw is not None:
            self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        if self._raw is not None:
            self._raw.resume_reading()
            # what was deciphered by halves while paused is not announced by the socket again
            asyncio.get_running_loop().call_soon(self._advance_if_open)

    def _advance_if_open(self) -> None:
        if self._raw is not None and not self._closing:
            self._advance()

    def is_reading(self) -> bool:
        return not self._paused

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return self._tls
        return default if self._raw is None else self._raw.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return 0 if self._raw is None else self._raw.get_write_buffer_size()
