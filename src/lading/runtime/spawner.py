"""The warm parent of all monitors: one thread, few modules, nothing secret, no state.

Started once by the engine as `python -I -S -c ...`. It keeps one pair waiting: a monitor, asleep,
and its starter, which receives the next request from the engine's socket itself. When the starter
says that it has one, the next pair is made; so no request waits for a fork. Each page that this
process touches after a fork is one that the new monitor has for itself: it touches very little.
Killing it harms no container.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is it, wrapped in enums
import _socket
import gc
import os
import select
import signal
import time

from lading.kernel import process
from lading.runtime import messages, plan
from lading.runtime.handover import ASLEEP
from lading.runtime.monitor import Monitor
from lading.runtime.rehearsal import rehearse
from lading.runtime.starter import Starter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

MAX_HANDOVER = 65536  # bytes; larger only with a head that has many resources, on cgroup v2
FDS_SPACE = _socket.CMSG_SPACE(4 * 32)
AF_UNIX = _socket.AF_UNIX
SOCK_SEQPACKET_CLOEXEC = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
CLOEXEC = _socket.MSG_CMSG_CLOEXEC
SIGCHLD = 17
SIG_DFL = _signal.SIG_DFL
STARTERS_END_S = 0.1  # a container that ends sooner is not kept waiting for its starter's end
QUIET_MS = 15  # about what a start takes
RETRY_S = 0.1  # pause after a pair that died without a request
CLAIMED = b"."


def main(descriptor: int) -> None:
    """Serve spawn requests on the SEQPACKET socket until its other end is closed."""
    process.close_range(descriptor + 1)  # nothing of the engine's travels into monitors
    process.prctl(process.PR_SET_DUMPABLE, 0)
    process.default_signals()
    host = plan.read_host()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    rehearse(host)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps monitors, nobody waits
    os.chdir("/")
    os.umask(0o077)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.set_inheritable(descriptor, False)
    requests = messages.adopt(descriptor)
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    gc.collect()
    gc.freeze()  # what exists now is never looked at again, so forks do not copy its pages
    gc.disable()
    while True:
        claims, claim = os.pipe2(os.O_CLOEXEC)
        if os.fork() == 0:
            os.close(claims)
            wait_asleep(requests, claim, host, null)
        os.close(claim)
        claimed = os.read(claims, 1)
        os.close(claims)
        if claimed == CLAIMED:
            waiting.poll(QUIET_MS)  # do not compete with a start, unless there is another
        else:
            if is_closed(requests):
                return
            time.sleep(RETRY_S)


def spawn_one(datagram: bytes, fds: list[int], host: plan.Host, null: int) -> None:
    """Start one container without a spawner: a monitor of this process's own, for one request."""
    ours, theirs = messages.pair()
    claims, claim = os.pipe2(os.O_CLOEXEC)
    messages.allow_large(ours)
    messages.send_raw(ours, datagram, fds)
    if os.fork() == 0:
        for descriptor in (*fds, claims, ours.detach()):
            os.close(descriptor)
        wait_asleep(theirs, claim, host, null)
    os.close(claim)
    os.read(claims, 1)
    os.close(claims)
    ours.close()
    theirs.close()


def is_closed(connection: _socket.socket) -> bool:
    """Whether the other end is gone and nothing waits to be read."""
    try:
        flags = _socket.MSG_PEEK | _socket.MSG_DONTWAIT
        return connection.recv_into(bytearray(1), 0, flags) == 0
    except BlockingIOError:
        return False


def wait_asleep(requests: _socket.socket, claim: int, host: plan.Host, null: int) -> NoReturn:
    """Be a monitor: fork the starter, sleep until it hands a container over, be there for it.

    Only calls into C until then: a Python function that runs costs its monitor ten pages.
    """
    status = 1
    try:
        os.setsid()
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.dup2(null, 2)
        _signal.signal(SIGCHLD, SIG_DFL)  # here somebody does wait
        ours, theirs = _socket.socketpair(AF_UNIX, SOCK_SEQPACKET_CLOEXEC)
        starter = os.fork()
        if starter == 0:
            ours.close()
            serve_one(requests, claim, Starter(theirs, host, null))
        theirs.close()
        requests.close()
        os.close(claim)
        datagram, ancillary, _, _ = ours.recvmsg(MAX_HANDOVER, FDS_SPACE, CLOEXEC)
        ours.close()
        if datagram:
            if datagram.startswith(ASLEEP):
                ready = select.epoll.fromfd(int.from_bytes(ancillary[0][2][:4], "little")).poll
                if not ready(STARTERS_END_S):
                    os.waitpid(starter, 0)
                    ready()
            Monitor(datagram, messages.descriptors(ancillary), host).run()
        status = 0
    finally:
        os._exit(status)


def serve_one(requests: _socket.socket, claim: int, starter: Starter) -> NoReturn:
    """Be a starter: take the next request, tell the spawner, start the container."""
    status = 1
    try:
        datagram, fds = messages.receive_raw(requests)
        if datagram:
            requests.close()
            os.write(claim, CLAIMED)
            os.close(claim)
            starter.start(datagram, fds)
        status = 0
    finally:
        os._exit(status)
