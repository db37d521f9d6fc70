"""A container's terminal on the caller's own: what is typed goes in, what is printed comes out."""

from __future__ import annotations

import errno
import os
import select
import termios

from lading.kernel import pidfd, tty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PIECE = 65536


class Relay:
    """Between our stdin and stdout and a master; our terminal is raw until `restore`."""

    def __init__(self, master: int) -> None:
        self._master = master
        _keep_line_feeds(master)
        self._saved = _make_raw(0)
        self.resize()

    def resize(self) -> None:
        """Give the container's terminal the size of ours."""
        try:
            tty.set_size(self._master, *tty.get_size(0))
        except OSError as error:
            if error.errno != errno.ENOTTY:
                raise

    def restore(self) -> None:
        if self._saved is not None:
            termios.tcsetattr(0, termios.TCSANOW, self._saved)
            self._saved = None

    def run(self, pid: int) -> None:
        """Until the process has ended and all it printed is out."""
        process = pidfd.pidfd_open(pid)
        poll = select.poll()
        for descriptor in (0, self._master, process):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._master in ready:
                if not _copy(self._master, 1):
                    poll.unregister(self._master)
                    ready.append(process)
            elif process in ready:
                os.close(process)
                return
            if 0 in ready and not _copy(0, self._master):
                poll.unregister(0)


def _make_raw(descriptor: int) -> list[Any] | None:
    """Set raw mode; the old settings, None when it is no terminal."""
    try:
        saved = termios.tcgetattr(descriptor)
    except termios.error:
        return None
    mode = list(saved)
    mode[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON)
    mode[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    termios.tcsetattr(descriptor, termios.TCSANOW, mode)
    return saved


def _keep_line_feeds(master: int) -> None:
    """Our own terminal adds the carriage returns; where it is none, nobody wants them."""
    mode = termios.tcgetattr(master)
    mode[1] &= ~termios.ONLCR
    termios.tcsetattr(master, termios.TCSANOW, mode)


def _copy(source: int, target: int) -> bool:
    """One piece; whether there may be more."""
    try:
        data = os.read(source, PIECE)
    except OSError as error:
        if error.errno != errno.EIO:  # nobody holds the terminal any more
            raise
        data = b""
    left = data
    while left:
        left = left[os.write(target, left) :]
    return bool(data)
