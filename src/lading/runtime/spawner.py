"""The warm parent of all monitors: one thread, few modules, nothing secret, no state.

Started once by the engine as `python -I -S -c ...`; each request is a datagram, and with it come
the monitor's connection, its listening socket, the container's directory, and what the plan needs.
Forking costs in proportion to the memory of the parent, so the engine does not fork and this
process stays small. It does not even look at a request: a page that it touches after a fork is
one that the new monitor has for itself. Killing it harms no container.
"""

from __future__ import annotations

import gc
import os
import signal

from lading.kernel import process
from lading.runtime import messages, plan
from lading.runtime.head import split
from lading.runtime.monitor import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

OWN_DESCRIPTORS = 3  # connection, listener, directory: what comes before the request's own


def main(descriptor: int) -> None:
    """Serve spawn requests on the SEQPACKET socket until its other end is closed."""
    process.prctl(process.PR_SET_DUMPABLE, 0)
    process.default_signals()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps monitors, nobody waits
    os.chdir("/")
    os.umask(0o077)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    host = plan.read_host()
    connection = messages.adopt(descriptor)
    os.set_inheritable(descriptor, False)
    gc.collect()
    gc.freeze()  # what exists now is never looked at again, so forks do not copy its pages
    gc.disable()
    while True:
        datagram, fds = messages.receive_raw(connection)
        if not datagram:
            return
        if os.fork() == 0:
            become_monitor(datagram, fds, host, null)
        for fd in fds:
            os.close(fd)


def become_monitor(datagram: bytes, fds: list[int], host: plan.Host, null: int) -> NoReturn:
    """Be the monitor of a container: cut off from the spawner, in a session of its own."""
    status = 1
    try:
        os.setsid()
        for number in range(3):
            os.dup2(null, number)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # here somebody does wait
        close_others([0, 1, 2, null, *fds])
        head, body = split(datagram)
        monitor = Monitor(
            head,
            host,
            connection=messages.adopt(fds[0]),
            listener=messages.adopt(fds[1]),
            directory=fds[2],
            null=null,
        )
        monitor.run(body, fds[OWN_DESCRIPTORS:])
        status = 0
    finally:
        os._exit(status)


def close_others(keep: list[int]) -> None:
    """Close every descriptor but these."""
    keep.sort()
    before = -1
    for after in [*keep, process.LAST_DESCRIPTOR + 1]:
        if after - before > 1:
            process.close_range(before + 1, after - 1)
        before = after
