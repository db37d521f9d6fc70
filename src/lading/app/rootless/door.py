"""Makes sockets of the host's network for an engine that lives in a nest: published ports.

A socket belongs to the network namespace in which it was made, wherever its descriptor goes. So
this small process of the user's stays outside and answers requests from the user alone (the
socket's directory is closed to others):

    {"family": 2, "kind": 1, "protocol": 6}  -->
                     <--  {} with a descriptor: the socket, not bound yet; or {"errno"}
"""

from __future__ import annotations

import _socket
import os
import signal
import sys
from contextlib import suppress

from lading.app.rootless import beside
from lading.kernel import process
from lading.runtime import messages

NAME = "door"
SOCKET = "door.sock"
TIMEOUT_S = 5.0  # for a client that connects and says nothing
_PROGRAM = (
    "import sys; sys.path.insert(0, {path!r}); from lading.app.rootless.door import main; main(0)"
)


def start(directory: str) -> None:
    """Start one if none runs; it listens when this returns."""
    if beside.find(directory, NAME):
        return
    path = f"{directory}/{SOCKET}"
    kind = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
    listener = _socket.socket(_socket.AF_UNIX, kind)
    try:
        if os.path.lexists(path):
            os.unlink(path)
        listener.bind(path)
        listener.listen(64)
        source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
        words = [sys.executable, "-I", "-S", "-c", _PROGRAM.format(path=source)]
        actions = [
            (os.POSIX_SPAWN_DUP2, listener.fileno(), 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        pid = os.posix_spawn(words[0], words, {}, file_actions=actions, setsid=True)
        beside.write(directory, NAME, pid)
    finally:
        listener.close()


def stop(directory: str) -> None:
    """End it, if it is there."""
    beside.end(directory, NAME, signal.SIGTERM)


def main(descriptor: int) -> None:
    """Answer, one client after the other."""
    process.default_signals()
    process.close_range(3)
    os.chdir("/")
    listener = messages.adopt(descriptor)
    while True:
        accepted, _ = listener._accept()  # type: ignore[attr-defined]
        client = messages.adopt(accepted)
        client.settimeout(TIMEOUT_S)
        with suppress(OSError, ValueError, KeyError, TypeError):  # it went away, or talked nonsense
            _answer(client)
        client.close()


def _answer(client: _socket.socket) -> None:
    request, _ = messages.receive(client)
    if request is None:
        return
    try:
        made = _socket.socket(request["family"], request["kind"], request["protocol"])
    except OSError as error:
        messages.send(client, {"errno": error.errno})
        return
    messages.send(client, {}, [made.fileno()])
    made.close()
