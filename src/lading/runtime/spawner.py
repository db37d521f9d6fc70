"""The warm parent of all keepers: one thread, few modules, nothing secret, no state.

Started once by the engine as `python -I -S -c ...`. It has one keeper waiting, with its starter,
which receives the next request from the engine's socket itself, and says so. Then the next keeper
is made; no request waits for a fork. Each page that this process touches after a fork is one that
the new keeper has for itself: it touches very little. Killing it harms no container.
"""

from __future__ import annotations

import _socket
import gc
import os
import select
import signal
import sys
import time

from lading.kernel import capabilities, memory, process
from lading.runtime import messages, plan
from lading.runtime.keeper import CLAIMED_MAPPED, keep
from lading.runtime.rehearsal import rehearse

QUIET_MS = 15  # about what a start takes
RETRY_S = 0.1  # pause after a pair that died without a request


def main(descriptor: int) -> None:
    """Serve spawn requests on the SEQPACKET socket until its other end is closed."""
    process.close_range(descriptor + 1)  # nothing of the engine's travels into monitors
    process.prctl(process.PR_SET_DUMPABLE, 0)
    process.default_signals()
    host = plan.read_host()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    rehearse(host)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps keepers, nobody waits
    os.chdir("/")
    os.umask(0o077)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.set_inheritable(descriptor, False)
    requests = messages.adopt(descriptor)
    code = memory.code()
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    gc.collect()
    gc.freeze()  # what exists now is never looked at again, so forks do not copy its pages
    gc.disable()
    while True:
        claims, claim = os.pipe2(os.O_CLOEXEC)
        if os.fork() == 0:
            os.close(claims)
            keep(requests, claim, host, null, code)
        os.close(claim)
        claimed = os.read(claims, 1)
        os.close(claims)
        if claimed:
            waiting.poll(QUIET_MS)  # do not compete with a start, unless there is another
            if claimed == CLAIMED_MAPPED:
                _load_mapped()  # whoever asked for one will ask for more
        else:
            if is_closed(requests):
                return
            time.sleep(RETRY_S)


def _load_mapped() -> None:
    """What a start in a user namespace loads, once for all that follow; others never need it."""
    if "lading.runtime.mapped_start" in sys.modules:
        return
    from lading.runtime import mapped_start  # noqa: F401
    from lading.runtime.planning import rare  # noqa: F401

    capabilities.available()  # loads a codec
    gc.collect()
    gc.freeze()


def is_closed(connection: _socket.socket) -> bool:
    """Whether the other end is gone and nothing waits to be read."""
    try:
        flags = _socket.MSG_PEEK | _socket.MSG_DONTWAIT
        return connection.recv_into(bytearray(1), 0, flags) == 0
    except BlockingIOError:
        return False
