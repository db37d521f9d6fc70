"""Signals of the command become signals of the container."""

from __future__ import annotations

from lading.cli.failures import Ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Any
else:
    import _signal  # `signal` makes enums of its numbers: 7 ms

# Not passed on: what cannot be caught, what is about this process only (its children, its pipes,
# its faults), and the two that stop a background job which touches the terminal.
_OWN = (
    *("SIGKILL", "SIGSTOP", "SIGCHLD", "SIGCLD", "SIGPIPE", "SIGURG"),
    *("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"),
    *("SIGTTIN", "SIGTTOU"),
)
PATIENCE = 3  # so many SIGINT or SIGTERM end the command, whatever the container does


def proxied() -> list[int]:
    """The numbers of the signals that are passed on."""
    own = {getattr(_signal, name) for name in _OWN}
    return sorted(_signal.valid_signals() - own)


class SignalProxy:
    """A context in which signals go to `send(number)`. Before `release` they are kept. Without
    `send` they do what they always do.

    `send` runs in the signal handler, so it must not use a connection that the interrupted code
    is using. Signals that the command was started with ignored (nohup) stay ignored.
    """

    def __init__(self, send: Callable[[int], None] | None) -> None:
        self._send = send or _ignore
        self._numbers = proxied() if send else []
        self._kept: list[int] | None = []
        self._handlers: dict[int, Any] = {}
        self._interrupts = 0

    def __enter__(self) -> SignalProxy:
        for number in self._numbers:
            if _signal.getsignal(number) != _signal.SIG_IGN:
                self._handlers[number] = _signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            _signal.signal(number, handler)

    def release(self) -> None:
        """The container runs: pass on what came in the meantime, and from now on at once."""
        kept, self._kept = self._kept or [], None
        for number in kept:
            self._send(number)

    def _handle(self, number: int, _: object) -> None:
        if number in (_signal.SIGINT, _signal.SIGTERM):
            self._interrupts += 1
            if self._interrupts == PATIENCE:
                raise Ended(1, "\nlading: got 3 SIGTERM/SIGINTs, forcefully exiting")
        if self._kept is None:
            self._send(number)
        else:
            self._kept.append(number)


def _ignore(number: int) -> None:
    """Nobody is told."""
