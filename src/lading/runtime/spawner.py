"""The warm parent of all monitors: one thread, few modules, nothing secret, no state.

Started once by the engine as `python -I -S -c ...`; each request is a datagram, and its first
descriptor becomes the connection to the new monitor. Forking costs in proportion to the memory of
the parent, so the engine does not fork and this process stays small. Killing it harms no container.
"""

from __future__ import annotations

import gc
import os
import signal

from lading.kernel import process
from lading.runtime import cgroups, messages, monitor, plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from lading.runtime.messages import Message


def main(descriptor: int) -> None:
    """Serve spawn requests on the SEQPACKET socket until its other end is closed."""
    process.prctl(process.PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps monitors, nobody waits
    os.chdir("/")
    os.umask(0o077)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    host = cgroups.read_host()
    gc.collect()
    gc.freeze()  # what exists now is never looked at again, so forks do not copy its pages
    gc.disable()
    connection = messages.adopt(descriptor)
    while True:
        request, fds = messages.receive(connection)
        if request is None:
            return
        serve(request, fds, host, null)


def serve(request: Message, fds: list[int], host: plan.Host, null: int) -> None:
    """Answer one request: fork its monitor, or say why not."""
    if not fds:
        return
    client = messages.adopt(fds[0])
    try:
        compiled = plan.compile(request, host, fds[1:])  # type: ignore[arg-type]
        pid = os.fork()
    except Exception as error:
        _refuse(client, error)
        pid = -1
    if pid == 0:
        monitor.detach({null, *fds}, null)
        monitor.run(request, compiled, client, null)  # type: ignore[arg-type]
    client.close()
    for fd in fds[1:]:
        os.close(fd)


def _refuse(client: _socket.socket, error: Exception) -> None:
    text = f"{type(error).__name__}: {error}"
    if hasattr(error, "status"):
        text = str(error)
    failure = {"message": text, "errno": getattr(error, "errno", 0) or 0, "step": "plan"}
    try:
        messages.send(client, {"event": "failed", "error": failure})
    except OSError:  # the caller has gone
        return
