"""Stopping work that other threads do: a flag, and a way to wake each of them.

`cancel` shuts down the sockets that they wait on, so a thread blocked in a read returns at once.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from lading.errors import LadingError


class Cancelled(LadingError):
    """the operation was cancelled"""

    status = 499  # nobody reads the answer; the number is what proxies log


class Cancellation:
    """One operation that may be given up; shared by all its threads."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._wakers: list[Callable[[], None]] = []

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Give up: every later `check` raises and every blocked read returns."""
        with self._lock:
            self._event.set()
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    def check(self) -> None:
        """Raise Cancelled if the operation was given up."""
        if self._event.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than the operation is wanted. Raises Cancelled."""
        self._event.wait(seconds)
        self.check()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Within the block, `cancel` calls `wake`, in the thread that cancels. Raises Cancelled."""
        with self._lock:
            self.check()
            self._wakers.append(wake)
        try:
            yield
        finally:
            with self._lock:
                self._wakers.remove(wake)

    def interrupting(self, connected: socket.socket) -> AbstractContextManager[None]:
        """Within the block, `cancel` wakes whoever waits on this socket."""

        def shut_down() -> None:
            with suppress(OSError):
                # the plain method: SSLSocket's own drops its state under the reader
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

        return self.waking(shut_down)
