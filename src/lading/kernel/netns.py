"""Network namespaces for a process with threads: each thread is in one (man 7 network_namespaces).

Unlike those of `namespaces`, these calls give up the interpreter lock: making a namespace waits for
whoever holds the kernel's lock of links, and the end of another namespace holds it for up to 15 ms.
With 150 attaches in a row, an event loop in another thread stood still for 5 ms at most, not 13.
"""

import ctypes
import os

from lading.kernel.namespaces import CLONE_NEWNET
from lading.kernel.syscall import check

_libc = ctypes.CDLL(None, use_errno=True)


def open_own() -> int:
    """A descriptor of the calling thread's network namespace; it keeps the namespace alive."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def unshare() -> None:
    """Move the calling thread to a new network namespace with nothing but a loopback, down."""
    check(_libc.unshare(CLONE_NEWNET), "unshare")


def setns(descriptor: int) -> None:
    """Move the calling thread to that network namespace."""
    check(_libc.setns(descriptor, CLONE_NEWNET), "setns")
