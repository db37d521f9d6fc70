"""Pseudo-terminals of a given devpts instance: man 4 pts, man 2 ioctl_tty.

The other end is asked of the master (TIOCGPTPEER), not opened by its name: a name inside a
container is whatever the container says it is.
"""

import fcntl
import os
import struct
import termios

TIOCSPTLCK = 0x40045431  # asm-generic/ioctls.h
TIOCGPTPEER = 0x5441
TIOCGPTN = 0x80045430
DEVPTS_SUPER_MAGIC = 0x1CD1

_winsize = struct.Struct("4H")


def open_master(devpts: int) -> int:
    """The master of a new terminal in the devpts instance whose root is the descriptor."""
    flags = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW
    master = os.open("ptmx", flags, dir_fd=devpts)
    fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
    return master


def open_peer(master: int) -> int:
    """The terminal that belongs to the master."""
    return fcntl.ioctl(master, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def number(master: int) -> int:
    """N of /dev/pts/N."""
    (value,) = struct.unpack("i", fcntl.ioctl(master, TIOCGPTN, bytes(4)))
    return int(value)


def set_size(terminal: int, height: int, width: int) -> None:
    """Rows and columns, modulo 65536; the foreground group gets SIGWINCH when they change."""
    size = _winsize.pack(height & 0xFFFF, width & 0xFFFF, 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)


def get_size(terminal: int) -> tuple[int, int]:
    height, width, _, _ = _winsize.unpack(fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
    return height, width


def make_controlling(terminal: int) -> None:
    """Make it the controlling terminal of this session; the caller called setsid before."""
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
