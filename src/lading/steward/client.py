"""The engine's side of a steward: find the running one, or start one; ask it.

Synchronous, for the thread of the networks. Whoever finds that a steward has died starts another
and gives it everything anew: `Client.call` raises StewardGone for that.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import sys
import threading

import lading
from lading.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DESCRIPTOR = 3
TIMEOUT_S = 10.0
_PROGRAM = (
    "import sys; sys.path.insert(0, {path!r}); from lading.steward.{name} import main; "
    "main(3, {exec_root!r})"
)


class StewardGone(ConnectionError):
    """It does not answer: it was killed, or was never there."""


class StewardError(OSError):
    """It cannot do what was asked."""


class Client:
    """A connection to the steward of that name below an exec-root."""

    def __init__(self, name: str, exec_root: str) -> None:
        self.name = name
        self._exec_root = exec_root
        self._connection: _socket.socket | None = None
        self._sequence = 0
        self._turn = threading.Lock()  # the audit asks from a thread of its own
        self._child = 0  # if it is ours to reap
        self.pid = 0  # of the one we are connected to
        self.on_connect: Callable[[int], None] | None = None  # is told the pid

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def find(self) -> bool:
        """Connect to one that runs; whether there is one."""
        self.close()
        try:
            with self._directory() as directory:
                self._connection = _connected(f"/proc/self/fd/{directory}/{self.name}.sock")
            self._meet()
        except OSError:
            self.close()
            return False
        return True

    def start(self) -> None:
        """Start one, in place of one that has died, and connect. Raises OSError."""
        with self._directory() as directory:
            path = f"/proc/self/fd/{directory}/{self.name}.sock"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            listener = _socket.socket(
                _socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
            )
            try:
                listener.bind(path)
                listener.listen(4)
                self._spawn(listener.fileno())
                self._connection = _connected(path)
            finally:
                listener.close()
        self._meet()

    def call(
        self, op: str, fields: dict[str, Any], descriptors: list[int] | None = None
    ) -> dict[str, Any]:
        """Ask, and wait for the answer. Raises StewardGone, StewardError."""
        with self._turn:
            return self._call(op, fields, descriptors)

    def _call(
        self, op: str, fields: dict[str, Any], descriptors: list[int] | None
    ) -> dict[str, Any]:
        if self._connection is None:
            raise StewardGone(f"no {self.name}")
        self._sequence += 1
        request = {"op": op, "seq": self._sequence, **fields}
        try:
            messages.send(self._connection, request, descriptors)
            while True:
                answer, extra = messages.receive(self._connection)
                for descriptor in extra:
                    os.close(descriptor)
                if answer is None:
                    raise ConnectionResetError(f"the {self.name} hung up")
                if answer.get("seq") == self._sequence:
                    break
        except OSError as error:
            self.close()
            raise StewardGone(f"{self.name}: {error}") from error
        if "error" in answer:
            raise StewardError(f"{self.name}: {answer['error']}")
        return answer

    def close(self) -> None:
        """Leave it alone; it goes on for the containers that run."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.pid = 0

    def _meet(self) -> None:
        """Learn who it is. Raises StewardGone."""
        self.pid = int(self.call("who", {})["pid"])
        if self.on_connect is not None:
            self.on_connect(self.pid)

    @contextlib.contextmanager
    def _directory(self) -> Any:
        """Where its socket is; a socket's path may be long only behind a descriptor."""
        path = f"{self._exec_root}/stewards"
        os.makedirs(path, mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _spawn(self, listener: int) -> None:
        parent = os.path.dirname(os.path.dirname(os.path.abspath(lading.__file__)))
        program = _PROGRAM.format(path=parent, name=self.name, exec_root=self._exec_root)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        if "LADING_FAILPOINT" in os.environ:
            environment["LADING_FAILPOINT"] = os.environ["LADING_FAILPOINT"]
        if self._child:  # dead, or as good as: nobody finds it any more
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._child, os.WNOHANG)
        self._child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", program],
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, listener, DESCRIPTOR)],
            setsid=True,
        )


def _connected(path: str) -> _socket.socket:
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(TIMEOUT_S)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    messages.allow_large(connection)
    return connection
