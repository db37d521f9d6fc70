"""More processes in a running container: children of the monitor that join what init has."""

from __future__ import annotations

import os

from lading.kernel import namespaces, pidfd
from lading.runtime import init, plan
from lading.runtime.children import ContainerProcess, give_pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.connections import Connection
    from lading.runtime.messages import Message
    from lading.runtime.monitor import Monitor

REAP_ROUNDS = 50  # of 20 ms each


class Exec:
    """One asked-for process and who asked."""

    __slots__ = ("connection", "process", "sequence")

    def __init__(self, connection: Connection, sequence: object, process: ContainerProcess) -> None:
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
        monitor, spec = self._monitor, message["process"]
        stdio = None if spec.get("terminal") else (fds[0], fds[1], fds[2])
        process = ContainerProcess(
            monitor.loop,
            lambda _: self._ended(name),
            reported=lambda _: self._reported(name),
        )
        if not self._in_pid_namespace:
            # only children of a process can be born in another pid namespace: init's, from now on
            namespaces.setns(monitor.init.pidfd, namespaces.CLONE_NEWPID)
            self._in_pid_namespace = True
        joined = plan.JOINED_BY_EXEC
        if monitor.head["users"] is not None:
            joined |= namespaces.CLONE_NEWUSER
            for descriptor in stdio or ():
                give_pipe(descriptor, monitor.head["owner"])
        path = monitor.head["cgroup"]
        cgroup = self._v2_directory(path)
        process.spawn(
            lambda: init.plan_exec(
                spec,
                monitor.host,
                cgroup_path=path,
                container=monitor.init.pidfd,
                seccomp_filter=message.get("seccomp_filter"),
                joined=joined,
            ),
            flags=0,
            stdio=stdio,
            cgroup=cgroup,
        )
        if cgroup is not None:
            os.close(cgroup)
        self._running[name] = Exec(connection, message.get("seq"), process)

    def _v2_directory(self, path: str) -> int | None:
        v2 = self._monitor.host.trees.v2
        if v2 is None or not path:
            return None
        return os.open(v2 + path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _reported(self, name: str) -> None:
        entry = self._running[name]
        process = entry.process
        reply: Message = {"reply": entry.sequence, "error": process.failure}
        if process.failure is not None:
            entry.connection.send(reply)
            return
        fds = [process.master] if process.master >= 0 else []
        entry.connection.send({**reply, "pid": process.pid}, fds)

    def _ended(self, name: str) -> None:
        process = self._running.pop(name).process
        if process.master >= 0:
            os.close(process.master)
        if process.failure is None:
            event = {"event": "exec_exited", "exec_id": name, "exit_code": process.exit_code}
            self._monitor.broadcast(event)

    def terminal(self, name: str) -> int:
        """The master of an exec's terminal. Raises ValueError when there is no such exec."""
        return self._find(name).process.master

    def signal(self, name: str, number: int, *, group: bool = False) -> None:
        """Signal one of them, or its process group. Raises ValueError, ProcessLookupError."""
        process = self._find(name).process
        if group:  # it leads a session of its own; its pid is its own until it is waited for
            os.killpg(process.pid, number)
        else:
            pidfd.pidfd_send_signal(process.pidfd, number)

    def _find(self, name: str) -> Exec:
        if name not in self._running:
            raise ValueError(f"no such exec: {name}")
        return self._running[name]

    def pids(self) -> dict[str, int]:
        return {name: entry.process.pid for name, entry in self._running.items()}

    def reap(self) -> None:
        """After everything in the cgroup was killed: hear of those that were ours."""
        for _ in range(REAP_ROUNDS):
            if not self._running:
                return
            self._monitor.loop.run_once(0.02)
