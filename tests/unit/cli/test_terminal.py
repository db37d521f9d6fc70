"""Raw mode, on a terminal of our own."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
from typing import TYPE_CHECKING

import pytest

from lading.cli import terminal
from lading.cli.failures import Ended

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tty() -> Iterator[int]:
    ours, theirs = os.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


def test_raw_mode_is_undone(tty: int) -> None:
    before = termios.tcgetattr(tty)
    with terminal.RawMode(tty):
        during = termios.tcgetattr(tty)
        assert not during[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        assert not during[1] & termios.OPOST
    assert termios.tcgetattr(tty) == before


def test_a_signal_that_ends_us_unwinds_first(tty: int) -> None:
    before = termios.tcgetattr(tty)
    with pytest.raises(Ended) as caught, terminal.RawMode(tty):
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == 143
    assert termios.tcgetattr(tty) == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_the_size_is_told_at_once_and_when_it_changes(tty: int) -> None:
    def resize(rows: int, columns: int) -> None:
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    told: list[tuple[int, int]] = []
    resize(24, 80)
    with terminal.SizeWatcher(tty, lambda rows, columns: told.append((rows, columns))):
        resize(30, 100)
        os.kill(os.getpid(), signal.SIGWINCH)
    assert told == [(24, 80), (30, 100)]


def test_a_pipe_has_no_size() -> None:
    reader, writer = os.pipe()
    try:
        assert terminal.size(reader) == (0, 0)
    finally:
        os.close(reader)
        os.close(writer)
