"""Connections of clients to a monitor: requests in, replies and events out, never blocking.

A client that does not read gets what it missed from its outbox when it does; one that lets the
outbox overflow is dropped. What an outbox still holds when the monitor ends is in exit.json too.
"""

from __future__ import annotations

import _socket
import os

from lading.runtime import messages
from lading.runtime.loop import IN, OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.runtime.loop import Loop
    from lading.runtime.messages import Message

    Dispatch = Callable[["Connection", Message, list[int]], None]

MAX_OUTBOX = 1000
DONTWAIT = _socket.MSG_DONTWAIT


class Connection:
    """One client. `watched_end` is the end of the log whose passing it wants to hear of, or None;
    `held_segment` is the oldest part of the log that it still reads, 0 for none.
    """

    __slots__ = (
        "_dispatch",
        "_loop",
        "_outbox",
        "_socket",
        "held_segment",
        "is_open",
        "watched_end",
    )

    def __init__(self, loop: Loop, socket: _socket.socket, dispatch: Dispatch) -> None:
        self._loop = loop
        self._socket = socket
        self._dispatch = dispatch
        self._outbox: list[tuple[bytes, list[int]]] = []
        self.is_open = True
        self.watched_end: int | None = None
        self.held_segment = 0
        loop.register(socket.fileno(), IN, self._ready)

    def fileno(self) -> int:
        return self._socket.fileno()

    def _ready(self, events: int) -> None:
        if events & OUT:
            self.flush()
        if not self.is_open or not events & ~OUT:
            return
        try:
            message, fds = messages.receive(self._socket, DONTWAIT)
        except BlockingIOError:
            return
        except OSError:  # ECONNRESET: it closed with our messages unread
            message, fds = None, []
        if message is None:
            self.close()
        else:
            self._dispatch(self, message, fds)

    def send(self, message: Message, fds: list[int] | None = None) -> None:
        """Send now or later."""
        self.send_raw(messages.encode(message), fds)

    def send_raw(self, data: bytes, fds: list[int] | None = None) -> None:
        """The same for an encoded message; descriptors are duplicated if it must be later."""
        if not self.is_open:
            return
        if self._outbox or not self._try(data, fds):
            self._outbox.append((data, [os.dup(fd) for fd in fds or []]))
            if len(self._outbox) == 1:
                self._loop.modify(self._socket.fileno(), IN | OUT)
            if len(self._outbox) > MAX_OUTBOX:
                self.close()

    def _try(self, data: bytes, fds: list[int] | None) -> bool:
        try:
            messages.send_raw(self._socket, data, fds, DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:  # EPIPE: it is gone, and its end of file will tell us
            return True
        return True

    def flush(self) -> None:
        while self._outbox and self._try(*self._outbox[0]):
            for fd in self._outbox.pop(0)[1]:
                os.close(fd)
        if not self._outbox and self.is_open:
            self._loop.modify(self._socket.fileno(), IN)

    @property
    def has_unsent(self) -> bool:
        return bool(self._outbox) and self.is_open

    def close(self) -> None:
        if not self.is_open:
            return
        self.is_open = False
        for _, fds in self._outbox:
            for fd in fds:
                os.close(fd)
        self._outbox.clear()
        self._loop.unregister(self._socket.fileno())
        self._socket.close()


class Listener:
    """The monitor's socket in the container's directory."""

    __slots__ = ("_accepted", "_loop", "_socket")

    def __init__(
        self, loop: Loop, socket: _socket.socket, accepted: Callable[[_socket.socket], None]
    ) -> None:
        self._loop = loop
        self._accepted = accepted
        self._socket = socket  # bound and listening: the engine made it, so it is there from birth
        loop.register(socket.fileno(), IN, self._accept)

    def fileno(self) -> int:
        return self._socket.fileno()

    def _accept(self, _events: int) -> None:
        try:
            descriptor, _ = self._socket._accept()  # type: ignore[attr-defined]
        except OSError:
            return
        self._accepted(messages.adopt(descriptor))

    def close(self) -> None:
        self._loop.unregister(self._socket.fileno())
        self._socket.close()
