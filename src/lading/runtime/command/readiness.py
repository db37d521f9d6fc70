"""NOTIFY_SOCKET: a program in the container tells the service manager outside that it is ready."""

from __future__ import annotations

import _socket
import os

from lading.runtime.command import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.command.store import State

READY = b"READY=1"
LOOK_S = 0.1  # how often we look whether the container is still there
MAX_MESSAGE = 4096


class Notifier:
    """The socket in the directory that is bound into the container; man 3 sd_notify."""

    def __init__(self, directory: str, host: str) -> None:
        kind = _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC
        self._host = "\0" + host[1:] if host.startswith("@") else host
        self._socket = _socket.socket(_socket.AF_UNIX, kind)
        opened = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._socket.bind(f"/proc/self/fd/{opened}/notify.sock")
        os.chmod("notify.sock", 0o777, dir_fd=opened)
        os.close(opened)
        self._socket.settimeout(LOOK_S)

    def forward(self, state: State) -> None:
        """Wait for READY=1 (or the container's end) and pass it on with the container's pid."""
        while True:
            try:
                message = self._socket.recv(MAX_MESSAGE)
            except TimeoutError:
                try:
                    os.close(store.open_init(state))
                except ProcessLookupError:
                    return
                continue
            if any(line == READY for line in message.splitlines()):
                break
        outside = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        outside.connect(self._host)
        outside.send(b"MAINPID=%d\n%b\n" % (state["pid"], READY))
        outside.close()
        self._socket.close()
