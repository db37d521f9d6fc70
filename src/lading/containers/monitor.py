"""The engine's end of the socket to a container's monitor: calls, replies and events.

Every message is one JSON datagram on a SEQPACKET socket; descriptors travel beside it. The messages
are described in `lading.runtime.monitor`. A closed socket with no `exited` event before it means
that the monitor was killed.
"""

import array
import asyncio
import errno
import json
import socket
from collections.abc import Callable, Sequence

from lading.errors import Conflict, SystemFault

LARGEST = 1 << 18  # bytes of one message
PATIENCE_S = 10.0  # a monitor answers at once; this long means that it is stuck


class MonitorGone(Conflict):
    """the container's monitor has ended"""


class MonitorRefused(SystemFault):
    """{0}"""


class Reply:
    """The answer to one call: its fields, and the descriptors that came with it."""

    def __init__(self, fields: dict[str, object], descriptors: list[int]) -> None:
        self.fields = fields
        self.descriptors = descriptors


class Monitor:
    """One connection. Events go to `on_event`; `on_close` is called once, after the last event."""

    def __init__(
        self,
        descriptor: int,
        *,
        on_event: Callable[[dict[str, object]], None],
        on_close: Callable[[], None],
    ) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._on_event = on_event
        self._on_close = on_close
        self._calls: dict[int, asyncio.Future[Reply]] = {}
        self._sequence = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._receive)

    @property
    def is_open(self) -> bool:
        """Whether the monitor is there to answer."""
        return self._socket.fileno() >= 0

    async def call(self, op: str, fds: Sequence[int] = (), **fields: object) -> Reply:
        """Send a request and wait for its reply. Raises MonitorGone, MonitorRefused."""
        self._sequence += 1
        sequence = self._sequence
        future: asyncio.Future[Reply] = self._loop.create_future()
        self._calls[sequence] = future
        try:
            await self._send({"op": op, "seq": sequence, **fields}, fds)
            reply = await asyncio.wait_for(future, PATIENCE_S)
        except TimeoutError as error:
            raise MonitorRefused(f"the container's monitor does not answer: {op}") from error
        finally:
            self._calls.pop(sequence, None)
        if reply.fields.get("error"):
            raise _refusal(reply.fields["error"])
        return reply

    def post(self, op: str, **fields: object) -> None:
        """Send a request that has no reply; one that cannot be sent now is dropped."""
        try:
            self._socket.send(json.dumps({"op": op, **fields}).encode())
        except OSError:
            return  # the reader notices the end of the connection

    def close(self) -> None:
        """Hang up; the monitor goes on."""
        if self.is_open:
            self._loop.remove_reader(self._socket)
            self._socket.close()
        for future in self._calls.values():
            if not future.done():
                future.set_exception(MonitorGone())

    async def _send(self, message: dict[str, object], fds: Sequence[int]) -> None:
        data = json.dumps(message).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        deadline = self._loop.time() + PATIENCE_S
        while True:
            try:
                self._socket.sendmsg([data], rights)
                return
            except BlockingIOError:
                if self._loop.time() > deadline:
                    raise MonitorRefused("the container's monitor takes no messages") from None
                await asyncio.sleep(0.005)
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF):
                    raise MonitorGone from error
                raise

    def _receive(self) -> None:
        while self.is_open:
            try:
                data, descriptors, _flags, _address = socket.recv_fds(self._socket, LARGEST, 8)
            except BlockingIOError:
                return
            except ConnectionResetError:
                # it ended with a message of ours unread; what it had sent is still to be read
                continue
            except OSError:
                data, descriptors = b"", []
            if not data:
                self.close()
                self._on_close()
                return
            self._dispatch(json.loads(data), list(descriptors))

    def _dispatch(self, message: dict[str, object], descriptors: list[int]) -> None:
        sequence = message.get("reply")
        if sequence is None:
            self._on_event(message)
            return
        future = self._calls.get(sequence) if isinstance(sequence, int) else None
        if future and not future.done():
            future.set_result(Reply(message, descriptors))
        else:
            for descriptor in descriptors:
                socket.close(descriptor)


def _refusal(error: object) -> Exception:
    """The exception for a reply's error: {"message": text, "errno": number or absent}."""
    fields = error if isinstance(error, dict) else {"message": str(error)}
    if fields.get("errno") == errno.ESRCH:
        return MonitorGone()
    return MonitorRefused(fields.get("message", "the container's monitor refused"))
