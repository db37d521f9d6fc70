"""One connection: h11 says what the bytes mean, this file says what happens when.

    idle --bytes--> head --Request--> handler runs --Response--> idle
      |               |                    |----Hijack-----> RawStream, HTTP is over
      |--PRI * HTTP/2.0-----------------------------------> RawStream for the HTTP/2 server
      '- no h11, no task: an idle connection is this object, its transport and a descriptor

Rules. A handler is a task of its own and is cancelled when its client is gone; what must not stop
half-way is shielded by whoever owns it. Bytes are read ahead of the handler only up to a limit.
Nothing is written after the connection is lost. After an error in the middle of an answer the
connection is cut, never ended properly.

Is a client that ends its direction gone? On a unix socket the kernel tells (POLLHUP: closed both
ways). On TCP it does not, so there it counts as gone once its answer has begun.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import h11

from lading.http.flow import (
    ClientGone,
    Outlet,
    has_hung_up,
    is_unix,
    last_bytes,
    wait_taken,
    wake,
)
from lading.http.holdback import Holdback
from lading.http.lent_body import LentBody
from lading.http.limits import Limits
from lading.http.peer import peer_of
from lading.http.request import Request
from lading.http.response import Hijack, Response, StreamResponse
from lading.http.sending import plain_refusal, send_response, upgrade_head
from lading.http.stream import RawStream
from lading.http.tls import TLSTransport, Upper

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4
HANG_UP_CHECK_S = 1.0


class Owner(Protocol):
    """What a connection needs of its server."""

    limits: Limits
    handler: Handler
    http2: Callable[[RawStream], Awaitable[None]] | None
    connections: "set[Connection]"
    buffer: memoryview  # every connection receives into it, and takes its bytes away at once
    is_closing: bool


class Connection(Upper):
    """An HTTP/1.1 server connection on any transport. Also the body and the wire of its users."""

    __slots__ = (
        "_deadline",
        "_early",
        "_ended",
        "_holdback",
        "_http",
        "_lingering",
        "_more",
        "_out",
        "_owner",
        "_started",
        "_stream",
        "_task",
        "_transport",
        "_unread",
    )

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport
        self._out: Outlet
        self._http: h11.Connection | None = None
        self._early: bytes | None = b""  # the first bytes, until they cannot be a preface
        self._task: asyncio.Task[None] | None = None
        self._stream: RawStream | None = None
        self._more: asyncio.Future[None] | None = None  # someone waits for body bytes
        self._unread = 0  # bytes received since h11 last asked for more
        self._started = False  # the answer's first byte is out
        self._ended = False  # the client's direction
        self._lingering = False
        self._holdback = Holdback()
        self._deadline: float | None = None

    # --- what the transport tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._out = Outlet(transport)
        self._owner.connections.add(self)
        self._expect(self._owner.limits.idle_s)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._owner.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._owner.buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        if self._stream is not None:
            self._stream.feed(data)
        elif self._http is not None:
            self._receive(data)
        elif not self._lingering:
            self._begin(data)

    def eof_received(self) -> bool:
        self._ended = True
        if self._stream is not None:
            self._stream.feed_eof()
        elif self._task is None or self._http is None:
            return False  # closes the transport
        else:
            self._holdback.release(self._http)
            self._http.receive_data(b"")
            wake(self._more)
            if self._started and not is_unix(self._transport):
                self._task.cancel()
        self._check_hang_up()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._out.lose()
        self._owner.connections.discard(self)
        wake(self._more)
        if self._stream is not None:
            if error is not None:  # asyncio reads no more once a write has failed
                self._stream.feed(last_bytes(self._transport, self._owner.limits.buffered_bytes))
            self._stream.lose()
        elif self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._out.pause()

    def resume_writing(self) -> None:
        self._out.resume()

    def hang_up(self) -> None:
        """The client hears nothing any more; a stream still gives up what it received."""
        if self._stream is not None:
            self._stream.lose()
        else:
            self._transport.abort()

    def _check_hang_up(self) -> None:
        """After the client's half-close nothing is read, so closing the rest is asked for."""
        if self._out.is_lost or self._transport.is_closing():
            return
        if has_hung_up(self._transport):
            self.hang_up()
        else:
            asyncio.get_running_loop().call_later(HANG_UP_CHECK_S, self._check_hang_up)

    # --- time ---

    def _expect(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def expire(self, now: float) -> None:
        """Close if the client has been waited for long enough; the server calls this."""
        if self._deadline is not None and now > self._deadline:
            self._transport.abort()

    @property
    def is_idle(self) -> bool:
        """Whether nobody would miss this connection."""
        return self._task is None

    def end(self) -> None:
        """Close if idle: the server is going away."""
        if self._task is None:
            self._transport.close()

    def cancel(self) -> None:
        """Stop whatever is going on."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    @property
    def task(self) -> "asyncio.Task[None] | None":
        """The handler that runs, if any."""
        return self._task

    # --- bytes to requests ---

    def _begin(self, data: bytes) -> None:
        """The first bytes of a request, or of another protocol."""
        if self._early is not None:
            data = self._early + data
            if data.startswith(HTTP2_PREFACE):
                return self._hand_over_to_http2(data)
            if HTTP2_PREFACE.startswith(data):
                self._early = data
                return None
            self._early = None
        self._expect(self._owner.limits.head_s)
        self._http = h11.Connection(
            h11.SERVER, max_incomplete_event_size=self._owner.limits.head_bytes
        )
        self._receive(data)
        return None

    def _receive(self, data: bytes) -> None:
        assert self._http is not None
        self._unread += len(data)
        if self._task is None:
            head = data.find(b"\r\n\r\n") + 4
            self._http.receive_data(data[:head] if head > 3 else data)
            self._start_next(data[head:] if head > 3 else b"")
            return
        if not self._holdback.keeps(data):
            self._http.receive_data(data)
        wake(self._more)
        if self._unread > self._owner.limits.buffered_bytes:
            self._transport.pause_reading()

    def _start_next(self, rest: bytes = b"") -> None:
        """Start the handler of the next request, if its head is here; `rest` follows the head."""
        assert self._http is not None
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint, str(error))
            return
        self._holdback.begin(rest, event, self._http)
        if isinstance(event, h11.Request):
            self._deadline = None
            self._started = False
            request = Request(
                event.method.decode("ascii"),
                event.target.decode("ascii"),
                list(event.headers),
                self,
                body_bytes=self._owner.limits.body_bytes,
                peer=lambda: peer_of(self._transport),
            )
            self._task = asyncio.get_running_loop().create_task(self._serve(request))
        elif isinstance(event, h11.ConnectionClosed):
            self._transport.close()

    def _refuse(self, status: int, reason: str) -> None:
        """Answer what is not HTTP; plain text, for we do not know who speaks."""
        self._transport.write(plain_refusal(status, reason))
        self._linger()

    async def read_some(self) -> bytes:
        """The next bytes of the request's body (`lading.http.request.Body`)."""
        assert self._http is not None
        self._holdback.release(self._http)
        while self._http.their_state is h11.SEND_BODY:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:  # torn, or no chunks: no more will come of it
                raise ClientGone(str(error)) from error
            if isinstance(event, h11.Data):
                return bytes(event.data)
            if event is not h11.NEED_DATA:
                return b""
            if self._out.is_lost:
                raise ClientGone
            if self._http.they_are_waiting_for_100_continue:
                self._transport.write(
                    self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
                )
            await self._wait_more()
        return b""  # it has ended before: asked again, the parser would wait for the next request

    async def _wait_more(self) -> None:
        self._unread = 0
        self._transport.resume_reading()
        self._more = asyncio.get_running_loop().create_future()
        try:
            await self._more
        finally:
            self._more = None

    @contextlib.contextmanager
    def lent(self) -> Iterator[LentBody | None]:
        """The body as a source for a thread; None where it has to come by `read_some`."""
        is_deaf = self._out.is_lost or self._transport.is_closing()
        if is_deaf or self._http is None or isinstance(self._transport, TLSTransport):
            yield None
            return
        descriptor = self._transport.get_extra_info("socket").fileno()
        try:
            with self._holdback.lent(descriptor, self._http) as body:
                if body:
                    self._transport.pause_reading()
                yield body
        finally:
            self.resume_reading()

    # --- requests to answers ---

    async def _serve(self, request: Request) -> None:
        try:
            response = await self._owner.handler(request)
            await self._answer(request, response)
        except ClientGone:
            self._transport.abort()
        except h11.RemoteProtocolError as error:  # a broken body
            self._fail(error.error_status_hint, str(error))
        except asyncio.CancelledError:
            self._transport.abort()
        except Exception:
            log.exception("handler failed: %s %s", request.method, request.path)
            self._fail(500, "internal error")
        else:
            await self._finish()
        finally:
            self._task = None
        self._go_on()

    def _fail(self, status: int, reason: str) -> None:
        if self._started:
            self._transport.abort()
        elif not self._out.is_lost:
            self._refuse(status, reason)

    async def _answer(self, request: Request, response: Response) -> None:
        if isinstance(response, Hijack):
            await self._hijack(request, response)
            return
        if self._owner.is_closing:
            response.headers.append(("Connection", "close"))
        assert self._http is not None
        self._started = True
        if isinstance(response, StreamResponse) and self._ended and not is_unix(self._transport):
            self.cancel()
        await send_response(
            response, self._http, self._transport, self.write, head_only=request.method == "HEAD"
        )

    # --- after an answer ---

    async def _finish(self) -> None:
        """Read what is left of the request's body, if that is little."""
        if self._stream is not None or self._http is None or self._out.is_lost:
            return
        if self._holdback.is_torn:
            return
        left = self._owner.limits.drained_bytes
        while self._http.their_state is h11.SEND_BODY and left > 0:
            if self._http.they_are_waiting_for_100_continue:
                return
            try:
                async with asyncio.timeout(self._owner.limits.linger_s):
                    data = await self.read_some()
            except (h11.RemoteProtocolError, ClientGone, TimeoutError):
                return
            left -= len(data)

    def _go_on(self) -> None:
        """The next request, or the end."""
        if self._out.is_lost or self._transport.is_closing() or self._lingering:
            return
        if self._stream is not None or self._http is None:
            self._transport.close()
            return
        if self._http.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            if self._http.their_state is h11.SEND_BODY:
                self._linger()
            else:
                self._transport.close()
            return
        if self._owner.is_closing:
            self._transport.close()
            return
        self._http.start_next_cycle()
        if self._http.trailing_data == (b"", False):
            self._http = None  # idle connections carry no parser
            self._unread = 0
            self._transport.resume_reading()
            self._expect(self._owner.limits.idle_s)
        else:
            self._expect(self._owner.limits.head_s)
            self._transport.resume_reading()
            self._start_next()

    def _linger(self) -> None:
        """Close our direction only: a client that still sends must not lose the answer to a RST."""
        self._lingering = True
        self._http = None
        self._expect(self._owner.limits.linger_s)
        self._transport.resume_reading()
        self._out.write_eof()

    # --- out of HTTP ---

    async def _hijack(self, request: Request, response: Hijack) -> None:
        async for _ in request.iter_body():  # what follows the request belongs to the stream
            pass
        assert self._http is not None
        received, _ = self._http.trailing_data
        stream = self._take_over(received)
        with contextlib.suppress(ClientGone):  # `run` owns what it streams, and ends at once
            await self.write(upgrade_head(response, request.upgrade))
            await wait_taken(self._transport)
        await self._run_stream(response.run(stream))

    def _take_over(self, received: bytes) -> RawStream:
        self._http = None
        self._started = True
        self._deadline = None
        stream = RawStream(self, received, buffered_bytes=self._owner.limits.buffered_bytes)
        self._stream = stream
        if self._ended:
            stream.feed_eof()
        return stream

    async def _run_stream(self, running: Awaitable[None]) -> None:
        with contextlib.suppress(ClientGone):
            await running

    def _hand_over_to_http2(self, received: bytes) -> None:
        if self._owner.http2 is None:
            self._refuse(505, "HTTP/2 is not served here")
            return
        running = self._owner.http2(self._take_over(received))
        self._task = asyncio.get_running_loop().create_task(self._serve_http2(running))

    async def _serve_http2(self, running: Awaitable[None]) -> None:
        try:
            await self._run_stream(running)
        except Exception:
            log.exception("http/2 connection failed")
        finally:
            self._task = None
            self._transport.close()

    # --- the wire of streams and answers ---

    async def write(self, data: bytes) -> None:
        """Send, and wait while the client is slow. Raises ClientGone when it is gone."""
        await self._out.write(data)
        if self._stream is not None and self._stream.is_gone:
            raise ClientGone

    def write_eof(self) -> None:
        """Half-close our direction."""
        self._out.write_eof()

    async def close(self) -> None:
        """Close after what was written is sent."""
        self._transport.close()

    def pause_reading(self) -> None:
        """Let the client wait."""
        if not self._out.is_lost and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Let the client go on."""
        if not self._out.is_lost and not self._transport.is_closing():
            self._transport.resume_reading()
