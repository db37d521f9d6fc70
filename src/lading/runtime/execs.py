"""More processes in a running container: children of the monitor that join what init has."""

from __future__ import annotations

import os

from lading.kernel import namespaces, pidfd, safepath
from lading.runtime import plan
from lading.runtime.children import ContainerProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.connections import Connection
    from lading.runtime.messages import Message
    from lading.runtime.monitor import Monitor

JOINED = (
    namespaces.CLONE_NEWNS
    | namespaces.CLONE_NEWIPC
    | namespaces.CLONE_NEWUTS
    | namespaces.CLONE_NEWNET
    | namespaces.CLONE_NEWCGROUP
)
MAX_FILTER = 1 << 20


class Exec:
    """One asked-for process and who asked."""

    __slots__ = ("connection", "name", "process", "sequence")

    def __init__(
        self, name: str, connection: Connection, sequence: object, process: ContainerProcess
    ) -> None:
        self.name = name
        self.connection = connection
        self.sequence = sequence
        self.process = process


class Execs:
    """The exec'ed processes of one container, by their ids."""

    __slots__ = ("_in_pid_namespace", "_monitor", "_running")

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._running: dict[str, Exec] = {}
        self._in_pid_namespace = False

    def start(self, connection: Connection, message: Message, fds: list[int]) -> None:
        """Begin; the reply goes out when execve succeeded (with the terminal) or a step failed."""
        name = message["exec_id"]
        if name in self._running:
            raise ValueError(f"exec {name} is running already")
        process = ContainerProcess(
            self._monitor.loop,
            started=lambda _: self._started(name),
            failed=lambda _: self._failed(name),
            ended=lambda _: self._ended(name),
        )
        spec = message["process"]
        path = message.get("seccomp_filter")
        seccomp = None
        if path:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            seccomp = safepath.read_regular(descriptor, MAX_FILTER)
        init = self._monitor.init
        operations = plan.compile_exec(
            spec, pidfd=init.pidfd, flags=JOINED, seccomp=seccomp is not None
        )
        stdio = None if spec.get("terminal") else (fds[0], fds[1], fds[2])
        if not self._in_pid_namespace:
            # only children of a process can be born in another pid namespace: init's, from now on
            namespaces.setns(init.pidfd, namespaces.CLONE_NEWPID)
            self._in_pid_namespace = True
        cgroup = self._monitor.cgroup
        tasks = cgroup.join_files()
        try:
            process.spawn(
                operations,
                flags=0,
                stdio=stdio,
                tasks=tasks,
                cgroup=cgroup.v2_directory_fd(),
                seccomp=seccomp,
            )
        finally:
            for descriptor in tasks:
                os.close(descriptor)
        self._running[name] = Exec(name, connection, message.get("seq"), process)

    def _started(self, name: str) -> None:
        entry = self._running[name]
        process = entry.process
        fds = [process.master] if process.master >= 0 else []
        reply = {"reply": entry.sequence, "error": None, "pid": process.pid}
        entry.connection.send({**reply, "warnings": process.warnings}, fds)

    def _failed(self, name: str) -> None:
        entry = self._running[name]
        entry.connection.send({"reply": entry.sequence, "error": entry.process.failure})

    def _ended(self, name: str) -> None:
        entry = self._running.pop(name)
        process = entry.process
        if process.master >= 0:
            os.close(process.master)
        if process.failure is None:
            event = {"event": "exec_exited", "exec_id": name, "exit_code": process.exit_code}
            self._monitor.broadcast(event)

    def terminal(self, name: str) -> int:
        """The master of an exec's terminal. Raises ValueError when there is no such exec."""
        return self._find(name).process.master

    def signal(self, name: str, number: int) -> None:
        pidfd.pidfd_send_signal(self._find(name).process.pidfd, number)

    def _find(self, name: str) -> Exec:
        if name not in self._running:
            raise ValueError(f"no such exec: {name}")
        return self._running[name]

    def pids(self) -> dict[str, int]:
        return {name: entry.process.pid for name, entry in self._running.items()}

    def reap(self) -> None:
        """After everything in the cgroup was killed: hear of those that were ours."""
        for _ in range(50):
            if not self._running:
                return
            self._monitor.loop.run_once(0.02)
