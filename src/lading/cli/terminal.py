"""The user's terminal: its size, and raw mode that is undone whatever happens."""

from __future__ import annotations

import os
import termios

from lading.cli.failures import Ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Any
else:
    import _signal  # `signal` makes enums of its numbers: 7 ms

# Columns of what tcgetattr returns (man 3 termios).
_IFLAG, _OFLAG, _CFLAG, _LFLAG, _, _, _CC = range(7)


def size(descriptor: int) -> tuple[int, int]:
    """(rows, columns), zeros when it is no terminal."""
    try:
        columns, rows = os.get_terminal_size(descriptor)
    except OSError:
        return 0, 0
    return rows, columns


class RawMode:
    """A context in which keys reach the container as they are typed, Ctrl-C too.

    The terminal comes back on leaving, also when a signal ends the process: SIGTERM and SIGHUP
    unwind instead of killing at once, unless somebody handles them already.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._saved: list[Any] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> None:
        self._saved = termios.tcgetattr(self._descriptor)
        for number in (_signal.SIGTERM, _signal.SIGHUP):
            if _signal.getsignal(number) == _signal.SIG_DFL:
                self._handlers[number] = _signal.signal(number, _end)
        termios.tcsetattr(self._descriptor, termios.TCSANOW, raw(self._saved))

    def __exit__(self, *_: object) -> None:
        # TCSANOW: draining would wait for a terminal whose output is stopped
        termios.tcsetattr(self._descriptor, termios.TCSANOW, self._saved)
        for number, handler in self._handlers.items():
            _signal.signal(number, handler)


def _end(number: int, _: object) -> None:
    raise Ended(128 + number)


def raw(attributes: list[Any]) -> list[Any]:
    """What cfmakeraw(3) makes of terminal attributes."""
    changed = list(attributes)
    changed[_IFLAG] &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    changed[_OFLAG] &= ~termios.OPOST
    changed[_LFLAG] &= ~(
        termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN
    )
    changed[_CFLAG] = changed[_CFLAG] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    changed[_CC] = list(changed[_CC])
    changed[_CC][termios.VMIN] = 1
    changed[_CC][termios.VTIME] = 0
    return changed


class SizeWatcher:
    """A context in which `tell(rows, columns)` hears of every change of the terminal's size."""

    def __init__(self, descriptor: int, tell: Callable[[int, int], None]) -> None:
        self._descriptor = descriptor
        self._tell = tell
        self._handler: Any = None

    def __enter__(self) -> None:
        self._handler = _signal.signal(_signal.SIGWINCH, lambda *_: self.report())
        self.report()

    def __exit__(self, *_: object) -> None:
        _signal.signal(_signal.SIGWINCH, self._handler)

    def report(self) -> None:
        rows, columns = size(self._descriptor)
        if rows and columns:
            self._tell(rows, columns)
