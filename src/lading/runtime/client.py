"""What the engine calls: start the spawner, ask for containers, find running ones, clean up.

Synchronous; every descriptor that is returned is the caller's to close.
"""

from __future__ import annotations

import _socket
import contextlib
import errno
import os
import sys

import lading
from lading.kernel import pidfd
from lading.kernel.cgroup import Cgroup
from lading.runtime import messages, rundir
from lading.runtime.head import head_of, join
from lading.runtime.namespace_server import NoUserNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from lading.kernel import idmap
    from lading.runtime.spec import Request

SPAWNER_DESCRIPTOR = 3
KILL_TIMEOUT_S = 5.0
SIGKILL = 9

_PROGRAM = (
    "import sys; sys.path.insert(0, {path!r}); from lading.runtime.sealing import seal; seal();"
    " from lading.runtime.{module} import main; main(3)"
)


class Servant:
    """A process of ours that serves on a socket until `close`, or until this process is gone."""

    def __init__(self, connection: _socket.socket, pid: int, pidfd: int) -> None:
        self._connection = connection
        self.pid = pid
        self._pidfd = pidfd

    @classmethod
    def start(cls, module: str) -> Self:
        """Start the program `main` of a module of this room."""
        ours, theirs = messages.pair()
        messages.allow_large(ours)
        package_parent = os.path.dirname(os.path.dirname(os.path.abspath(lading.__file__)))
        program = _PROGRAM.format(path=package_parent, module=module)
        # symbols bound at start: binding one at its first use would write to pages that are shared
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_BIND_NOW": "1"}
        if "LADING_FAILPOINT" in os.environ:
            environment["LADING_FAILPOINT"] = os.environ["LADING_FAILPOINT"]
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", program],
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), SPAWNER_DESCRIPTOR)],
            setsid=True,
        )
        theirs.close()
        return cls(ours, pid, pidfd.pidfd_open(pid))

    def is_alive(self) -> bool:
        return not pidfd.is_dead(self._pidfd)

    def close(self) -> None:
        """End it."""
        self._connection.close()
        if not pidfd.wait_dead(self._pidfd, KILL_TIMEOUT_S):
            pidfd.pidfd_send_signal(self._pidfd, SIGKILL)
        with contextlib.suppress(ChildProcessError):  # somebody else may wait for all children
            os.waitpid(self.pid, 0)
        os.close(self._pidfd)


class NamespaceServer(Servant):
    """A running namespace server, and the socket to it."""

    @classmethod
    def launch(cls) -> NamespaceServer:
        """Start one."""
        return cls.start("namespace_server")

    def make(
        self, uids: list[idmap.Mapping], gids: list[idmap.Mapping], users: int | None = None
    ) -> tuple[int, int]:
        """A user namespace with these ids, and a network namespace of its own; `users` is one
        that is there already.

        Raises NoUserNamespace, OSError when the server is dead.
        """
        if users is None:
            messages.send(self._connection, {"uids": uids, "gids": gids})
        else:
            messages.send(self._connection, {}, [users])
        answer, fds = messages.receive(self._connection)
        if answer is None:
            raise BrokenPipeError(errno.EPIPE, "the namespace server has ended")
        if "failed" in answer:
            raise NoUserNamespace(answer["failed"])
        return fds[0], fds[1]


class Spawner(Servant):
    """A running spawner, and the socket to it. Containers and their monitors outlive it."""

    @classmethod
    def launch(cls, *, exec_root: str) -> Spawner:
        """Start a spawner."""
        os.makedirs(f"{exec_root}/containers", 0o700, exist_ok=True)
        return cls.start("spawner")

    def spawn(self, request: Mapping[str, object], fds: list[int]) -> int:
        """Ask for a container; returns the connection to its monitor (SEQPACKET, close-on-exec).

        The first message on it is "started" or "failed". `fds` stay the caller's; indices in
        request["fds"] count in this list. Raises OSError (EPIPE) when the spawner is dead.
        """
        typed: Request = request  # type: ignore[assignment]  # the engine builds it as plain JSON
        datagram = join(head_of(typed), typed)
        ours, theirs = messages.pair()
        try:
            own = monitor_descriptors(typed["directory"], theirs.detach())
            try:
                messages.send_raw(self._connection, datagram, [*own, *fds])
            finally:
                for descriptor in own:
                    os.close(descriptor)
        except OSError:
            ours.close()
            raise
        return ours.detach()


def run_directory(exec_root: str, container_id: str) -> str:
    return f"{exec_root}/containers/{container_id}"


def monitor_descriptors(directory: str, connection: int) -> list[int]:
    """What a monitor starts with: its first connection, its listening socket, its directory.

    The socket is made by us: it is there as soon as the request is sent. Takes `connection` over.
    """
    try:
        opened = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        os.close(connection)
        raise
    try:
        return [connection, _listen(opened).detach(), opened]
    except OSError:
        os.close(opened)
        os.close(connection)
        raise


def _listen(directory: int) -> _socket.socket:
    kind = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK
    listener = _socket.socket(_socket.AF_UNIX, kind)
    try:
        listener.bind(rundir.socket_path(directory))
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def connect(exec_root: str, container_id: str) -> int:
    """A SEQPACKET connection to a running monitor.

    Raises FileNotFoundError or ConnectionRefusedError when there is none.
    """
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    directory = os.open(run_directory(exec_root, container_id), flags)
    try:
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)
        try:
            connection.connect(rundir.socket_path(directory))
        except OSError:
            connection.close()
            raise
    finally:
        os.close(directory)
    messages.allow_large(connection)
    return connection.detach()


def read_exit(exec_root: str, container_id: str) -> dict[str, Any] | None:
    """How the container ended, or None while it has not, or when its monitor was killed."""
    return rundir.read(run_directory(exec_root, container_id), rundir.EXIT)


def clean(exec_root: str, container_id: str, cgroup_path: str) -> None:
    """Remove what a monitor that is gone left: init, cgroup, run directory. Idempotent."""
    directory = run_directory(exec_root, container_id)
    state = rundir.read(directory, rundir.STATE)
    if state is not None:
        _end(state["monitor_pid"], state["monitor_start_time"])
        _end(state["pid"], state["start_time"])
        cgroup_path = state.get("cgroup_path") or cgroup_path  # a container may have its own parent
    if cgroup_path:
        cgroup = Cgroup(cgroup_path)
        cgroup.kill()
        cgroup.remove()
    for name in (rundir.SOCKET, rundir.STATE, rundir.EXIT, rundir.OCI):
        for path in (f"{directory}/{name}", f"{directory}/{name}.tmp"):
            try:
                os.unlink(path)
            except FileNotFoundError:
                continue
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        return


def _end(pid: int, started: int) -> None:
    """Kill exactly this process, if it is still there, and wait until it is dead."""
    try:
        descriptor = pidfd.open_started(pid, started)
    except ProcessLookupError:
        return
    try:
        pidfd.pidfd_send_signal(descriptor, SIGKILL)
        pidfd.wait_dead(descriptor, KILL_TIMEOUT_S)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)
