"""The process that is a container's parent, and little else: it sleeps while others work.

It lives as long as its container, so it is what an idle one costs. Each page of the interpreter
that a process touches becomes its own; so whatever has to be done is done in shifts, by a process
that is forked when something happens and ends when nothing does any more:

    keeper --fork--> shift (the first is the starter): output, signals, exec, clients
           <--"r"--- init has died: wait for it, for only its parent can; the shift does the rest
           <--"z"--- nothing to do: sleep until something is; then fork the next shift

A shift that dies without a word takes the keeper along, and with it the container
(PR_SET_PDEATHSIG): nobody would know any more what it printed.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is it, wrapped in enums
import _socket
import os
import select

from lading.runtime import messages
from lading.runtime.handover import REAP
from lading.runtime.head import split
from lading.runtime.monitor import Monitor, resume
from lading.runtime.starter import Starter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from lading.kernel.memory import Region
    from lading.runtime.plan import Host

MAX_HANDOVER = 1 << 18  # bytes: a head with many resources, a thousand clients
FDS_SPACE = _socket.CMSG_SPACE(4 * messages.MAX_DESCRIPTORS)
AF_UNIX = _socket.AF_UNIX
SOCK_SEQPACKET_CLOEXEC = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
CLOEXEC = _socket.MSG_CMSG_CLOEXEC
SIGCHLD = 17
SIG_DFL = _signal.SIG_DFL
CLAIMED, CLAIMED_MAPPED = b".", b"u"  # the latter: for a user namespace of its own


def keep(
    requests: _socket.socket, claim: int, host: Host, null: int, code: list[Region]
) -> NoReturn:
    """Be a keeper. `requests` is where the first shift gets its container from; see `serve_one`.

    Only calls into C: a Python function that runs here costs every container ten pages.
    """
    status = 1
    try:
        os.setsid()
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.dup2(null, 2)
        _signal.signal(SIGCHLD, SIG_DFL)  # here somebody does wait
        ours, theirs = _socket.socketpair(AF_UNIX, SOCK_SEQPACKET_CLOEXEC)
        shift = os.fork()
        if shift == 0:
            ours.close()
            serve_one(requests, claim, Starter(theirs, host, null), code)
        requests.close()
        os.close(claim)
        while True:
            theirs.close()
            word, ancillary, _, _ = ours.recvmsg(MAX_HANDOVER, FDS_SPACE, CLOEXEC)
            while word.startswith(REAP):
                ours.send(b"%d" % os.waitpid(int(word[1:]), 0)[1])
                word, ancillary, _, _ = ours.recvmsg(MAX_HANDOVER, FDS_SPACE, CLOEXEC)
            os.waitpid(shift, 0)
            if not word:
                break
            held = memoryview(ancillary[0][2]).cast("i").tolist()
            waiting = select.epoll.fromfd(held[0])
            waiting.poll()
            ours.close()
            ours, theirs = _socket.socketpair(AF_UNIX, SOCK_SEQPACKET_CLOEXEC)
            shift = os.fork()
            if shift == 0:
                ours.close()
                resume(theirs, word, held, host)
                os._exit(0)
            waiting.close()
            for descriptor in held[1:]:
                os.close(descriptor)
        status = 0
    finally:
        os._exit(status)


def serve_one(
    requests: _socket.socket, claim: int, starter: Starter, code: list[Region]
) -> NoReturn:
    """Be the first shift: get ready, take the next request, tell the spawner, start, look after it.

    `code` is where the code of the spawner is.
    """
    status = 1
    try:
        starter.prepare(code, [requests.fileno(), claim])
        datagram, fds = messages.receive_raw(requests)
        if datagram:
            requests.close()
            head, body = split(datagram)
            os.write(claim, CLAIMED if head["users"] is None else CLAIMED_MAPPED)
            os.close(claim)
            Monitor(starter.channel, starter.host, starter.start(head, body, fds)).run()
        status = 0
    finally:
        os._exit(status)
