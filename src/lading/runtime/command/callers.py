"""What a command takes from whoever calls it, and hands on: descriptors and signals."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is it, wrapped in enums
import os

from lading.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.runtime.command.terminal import Relay

NOT_FORWARDED = {_signal.SIGCHLD, _signal.SIGKILL, _signal.SIGSTOP, _signal.SIGURG}


class BadTerminal(InvalidArgument):
    """{0}"""


def open_descriptors(count: int) -> list[int]:
    """Which of the `count` descriptors after stdio the caller gave us; before we open our own."""
    found = []
    for number in range(3, 3 + count):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def forward_signals(forward: Callable[[int], None], terminal: Relay | None) -> None:
    """What is sent to us is for the program; a terminal's new size is for its terminal."""
    for number in _signal.valid_signals() - NOT_FORWARDED:
        if number == _signal.SIGWINCH and terminal is not None:
            _signal.signal(number, lambda *_: terminal.resize())
        else:
            _signal.signal(number, lambda received, _: forward(received))
