"""A small event loop over epoll: one handler per descriptor, called with the events."""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[int], None]

IN = select.EPOLLIN
OUT = select.EPOLLOUT


class Loop:
    """Handlers may register and unregister any descriptor while events are handed out."""

    __slots__ = ("_epoll", "_handlers")

    def __init__(self) -> None:
        self._epoll = select.epoll(flags=select.EPOLL_CLOEXEC)
        self._handlers: dict[int, Handler] = {}

    def register(self, descriptor: int, events: int, handler: Handler) -> None:
        self._epoll.register(descriptor, events)
        self._handlers[descriptor] = handler

    def modify(self, descriptor: int, events: int) -> None:
        self._epoll.modify(descriptor, events)

    def unregister(self, descriptor: int) -> None:
        """Forget the descriptor; call before it is closed."""
        if self._handlers.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def fileno(self) -> int:
        """The epoll: ready when any of the descriptors is."""
        return self._epoll.fileno()

    def run_once(self, timeout_s: float = -1) -> bool:
        """Wait for events and hand them out; whether there were any."""
        ready = self._epoll.poll(timeout_s)
        for descriptor, events in ready:
            handler = self._handlers.get(descriptor)
            if handler is not None:  # else an earlier handler of this round let it go
                handler(events)
        return bool(ready)
