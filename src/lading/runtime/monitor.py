"""The process beside each container: owns its stdio, log, terminal and cgroup; reaps its init.

It outlives engine and spawner, so it depends on neither: it answers on a socket in the container's
directory and leaves the exit code there. When it ends, the container ends (PR_SET_PDEATHSIG).

    start     cgroup, log, stdio -> clone3 -> operations in the child -> "started" or "failed"
    run       output to the log; signals, resizes, stdin and exec as clients ask
    end       init died: drain output, exit.json, then "exited", and only then what may take long:
              the cgroup, the log's fdatasync, and (by exiting) the overlay with its mount namespace
"""

from __future__ import annotations

import fcntl
import os
import signal
import time

from lading.failpoints import fp
from lading.kernel import namespaces, pidfd, safepath, tty
from lading.runtime import rundir
from lading.runtime.cgroups import open_cgroup
from lading.runtime.children import ContainerProcess
from lading.runtime.connections import Connection, Listener
from lading.runtime.execs import Execs
from lading.runtime.loop import Loop
from lading.runtime.output import PIPE_SIZE, Input, Output
from lading.runtime.segments import STDERR, STDOUT, NoLog, SegmentWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import NoReturn

    from lading.runtime.messages import Message
    from lading.runtime.plan import Plan
    from lading.runtime.spec import Request

F_SETPIPE_SZ = 1031  # include/uapi/linux/fcntl.h
DRAIN_LIMIT = 4 * PIPE_SIZE  # bytes taken from each stream after init's death
FLUSH_TIMEOUT_S = 2.0  # how long a client that does not read may hold the end up
MAX_FILTER = 1 << 20


def run(request: Request, plan: Plan, connection: _socket.socket, null: int) -> NoReturn:
    """Be the monitor of a container. Called in a fresh child of the spawner; never returns."""
    status = 1
    try:
        Monitor(request, plan, connection, null).run()
        status = 0
    finally:
        os._exit(status)


class Monitor:
    """State of one container while it runs."""

    __slots__ = (
        "_directory",
        "_is_over",
        "_listener",
        "_mount_namespace",
        "_null",
        "_plan",
        "_request",
        "cgroup",
        "connections",
        "execs",
        "init",
        "is_running",
        "log",
        "loop",
        "outputs",
        "stdin",
        "terminal",
    )

    def __init__(self, request: Request, plan: Plan, connection: _socket.socket, null: int) -> None:
        self._request = request
        self._plan = plan
        self._null = null
        self._is_over = False
        self._mount_namespace = -1
        self._directory = os.open(request["directory"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self.loop = Loop()
        self.connections: list[Connection] = []
        self.is_running = False
        self.outputs: list[Output] = []
        self.stdin: Input | None = None
        self.terminal = -1
        self.log: SegmentWriter | NoLog = NoLog()
        self.execs = Execs(self)
        self.cgroup = open_cgroup(plan.cgroup_path)
        self.init = ContainerProcess(
            self.loop, started=self._started, failed=self._start_failed, ended=self._init_ended
        )
        self._listener: Listener | None = None
        self.connect(connection)

    def run(self) -> None:
        """Start the container and stay until it is over."""
        try:
            self._start()
        except Exception as error:
            self._refuse(error)
            return
        while not self._is_over:
            self.loop.run_once()
            self._tell_watchers()
        self._finish()

    # -- start ---------------------------------------------------------------------------------

    def _start(self) -> None:
        log = self._request.get("log")
        if log:
            self.log = SegmentWriter(log["directory"])
        self.cgroup.create(self._plan.resources)
        fp("monitor.cgroup_created")
        seccomp = self._read_filter() if self._plan.uses_seccomp else None
        if self._plan.pid_namespace:
            descriptor = os.open(self._plan.pid_namespace, os.O_RDONLY | os.O_CLOEXEC)
            namespaces.setns(descriptor, namespaces.CLONE_NEWPID)
            os.close(descriptor)
        tasks = self.cgroup.join_files()
        stdio = None if self._plan.terminal else self._open_pipes()
        self.init.spawn(
            self._plan.operations,
            flags=self._plan.clone_flags,
            stdio=stdio,
            tasks=tasks,
            cgroup=self.cgroup.v2_directory_fd(),
            seccomp=seccomp,
        )
        fp("monitor.init_cloned")
        for descriptor in {*tasks, *(stdio or ())} - {self._null}:
            os.close(descriptor)
        self._listener = Listener(self.loop, rundir.socket_path(self._directory), self.connect)
        self._write_state()

    def _open_pipes(self) -> tuple[int, int, int]:
        """The child's three ends; ours go to the loop."""
        stdin = self._null
        if self._request.get("stdin"):
            stdin, ours = os.pipe2(os.O_CLOEXEC)
            self.stdin = Input(self.loop, ours, is_terminal=False)
        ends = [stdin]
        for stream in (STDOUT, STDERR):
            ours, theirs = os.pipe2(os.O_CLOEXEC)
            _enlarge(ours)
            self.outputs.append(Output(self.loop, ours, self.log, stream))
            ends.append(theirs)
        return ends[0], ends[1], ends[2]

    def _read_filter(self) -> bytes:
        path = self._request.get("seccomp_filter")
        if not path:
            from lading.kernel.seccomp.bpf import compile_filter  # 20 ms, for specs that bring one

            profile = (self._request["spec"].get("linux") or {}).get("seccomp") or {}
            return compile_filter(profile, os.uname().machine)
        return safepath.read_regular(os.open(path, os.O_RDONLY | os.O_CLOEXEC), MAX_FILTER)

    def _write_state(self) -> None:
        state = {
            "pid": self.init.pid,
            "start_time": pidfd.start_time(self.init.pid),
            "monitor_pid": os.getpid(),
            "monitor_start_time": pidfd.start_time(os.getpid()),
            "cgroup_path": self._plan.cgroup_path,
        }
        rundir.write(self._directory, rundir.STATE, state)

    def _started(self, process: ContainerProcess) -> None:
        """execve succeeded."""
        self.is_running = True
        try:
            self._mount_namespace = namespaces.mount_namespace_of(process.pidfd, process.pid)
            started = pidfd.start_time(process.pid)
        except OSError:  # it has ended already
            started = 0
        if process.master >= 0:
            self._take_terminal(process.master)
        event: Message = {"event": "started", "pid": process.pid, "start_time": started}
        self.broadcast({**event, "warnings": process.warnings + self.cgroup.warnings})

    def _take_terminal(self, master: int) -> None:
        self.terminal = master
        self.outputs.append(Output(self.loop, master, self.log))
        if self._request.get("stdin"):
            self.stdin = Input(self.loop, os.dup(master), is_terminal=True)

    def _start_failed(self, process: ContainerProcess) -> None:
        """The child said why; it is dead in a moment, and `ended` follows."""

    def _refuse(self, error: Exception) -> None:
        """What the monitor itself could not prepare."""
        number = getattr(error, "errno", 0) or 0
        failure = {"message": str(error), "errno": number, "step": "prepare"}
        self._undo(failure)

    # -- while it runs -------------------------------------------------------------------------

    def connect(self, socket: _socket.socket) -> None:
        self.connections.append(Connection(self.loop, socket, self._dispatch))

    def broadcast(self, message: Message) -> None:
        for connection in self.connections:
            connection.send(message)
        self.connections = [c for c in self.connections if c.is_open]

    def _tell_watchers(self) -> None:
        size = self.log.size
        for connection in self.connections:
            if connection.watched_size is not None and size > connection.watched_size:
                connection.watched_size = None
                connection.send({"event": "log", "size": size})

    def _dispatch(self, connection: Connection, message: Message, fds: list[int]) -> None:
        """Answer one request; a request without "seq" gets no reply unless it failed."""
        verb = VERBS.get(message.get("op", ""))
        sequence = message.get("seq")
        try:
            if verb is None:
                raise ValueError(f"no such operation: {message.get('op')}")
            answer = verb(self, connection, message, fds)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            number = getattr(error, "errno", None) or 0
            text = getattr(error, "strerror", None) or str(error)
            answer = {"error": {"message": text, "errno": number}}
        finally:
            for fd in fds:
                os.close(fd)
        if sequence is not None and answer is not None:
            connection.send({"reply": sequence, "error": None, **answer})

    def _signal(self, _c: Connection, message: Message, _fds: list[int]) -> Message:
        pidfd.pidfd_send_signal(self.init.pidfd, message["signal"])
        return {}

    def _resize(self, _c: Connection, message: Message, _fds: list[int]) -> Message:
        name = message.get("exec")
        terminal = self.terminal if name is None else self.execs.terminal(name)
        if terminal < 0:
            raise ValueError("no terminal to resize")
        tty.set_size(terminal, message["height"], message["width"])
        return {}

    def _stdin(self, _c: Connection, message: Message, fds: list[int]) -> Message:
        if self.stdin is None:
            raise ValueError("stdin is not open")
        self.stdin.add(fds.pop(0), close_on_eof=bool(message.get("close_on_eof")))
        return {}

    def _close_stdin(self, _c: Connection, _message: Message, _fds: list[int]) -> Message:
        if self.stdin is not None:
            self.stdin.close()
        return {}

    def _watch_log(self, connection: Connection, message: Message, _fds: list[int]) -> Message:
        connection.watched_size = message["size"]
        return {}

    def _exec(self, connection: Connection, message: Message, fds: list[int]) -> Message | None:
        if not self.is_running:
            raise ValueError("container not running")
        self.execs.start(connection, message, fds)
        return None  # the reply follows when execve has succeeded or failed

    def _exec_signal(self, _c: Connection, message: Message, _fds: list[int]) -> Message:
        self.execs.signal(message["exec_id"], message["signal"])
        return {}

    def _state(self, _c: Connection, _message: Message, _fds: list[int]) -> Message:
        return {
            "status": "running" if self.is_running else "creating",
            "pid": self.init.pid,
            "log_size": self.log.size,
            "execs": self.execs.pids(),
        }

    # -- end -----------------------------------------------------------------------------------

    def _init_ended(self, process: ContainerProcess) -> None:
        self._is_over = True

    def _finish(self) -> None:
        if self.init.failure is not None:
            self._undo(self.init.failure)
            return
        if not self._plan.clone_flags & namespaces.CLONE_NEWPID:
            self.cgroup.kill()  # with its own pid namespace the kernel has killed all the others
            self.execs.reap()
        for output in self.outputs:
            output.drain(DRAIN_LIMIT)
        record = {
            "exit_code": self.init.exit_code,
            "oom_killed": self.cgroup.oom_killed(),
            "finished_at_ns": time.time_ns(),
        }
        rundir.write(self._directory, rundir.EXIT, record)
        self._tell_watchers()
        self.broadcast({"event": "exited", **record})
        self._leave()
        self.cgroup.remove()
        self.log.close()

    def _undo(self, failure: Message) -> None:
        """A start that failed leaves nothing, and says so last."""
        self.cgroup.kill()
        self.cgroup.remove()
        rundir.remove(self._directory, rundir.STATE)
        self.broadcast({"event": "failed", "error": failure})
        self._leave()
        self.log.close()

    def _leave(self) -> None:
        """No new clients; those that still have to read something get a moment."""
        if self._listener is not None:
            self._listener.close()
        rundir.remove(self._directory, rundir.SOCKET)
        deadline = time.monotonic() + FLUSH_TIMEOUT_S
        while any(c.has_unsent for c in self.connections) and time.monotonic() < deadline:
            self.loop.run_once(0.1)
        for connection in self.connections:
            connection.close()


VERBS = {
    "signal": Monitor._signal,
    "resize": Monitor._resize,
    "stdin": Monitor._stdin,
    "close_stdin": Monitor._close_stdin,
    "watch_log": Monitor._watch_log,
    "exec": Monitor._exec,
    "exec_signal": Monitor._exec_signal,
    "state": Monitor._state,
}


def _enlarge(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_SIZE)
    except OSError:  # beyond the user's share of pipe memory: the default size works too
        return


def detach(keep: set[int], null: int) -> None:
    """Cut a fresh child of the spawner off from it: session, stdio, signals, descriptors."""
    os.setsid()
    for number in range(3):
        os.dup2(null, number, inheritable=True)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the spawner lets the kernel reap; we wait
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            _close(int(name))


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:  # the one that listed the directory
        return
