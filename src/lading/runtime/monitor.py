"""The process beside each container: owns its stdio, log, terminal and cgroup; reaps its init.

It outlives engine and spawner, so it depends on neither: it answers on a socket in the container's
directory and leaves the exit code there. When it ends, the container ends (PR_SET_PDEATHSIG).

    start     stdio, clone3 -> the child plans and runs its operations -> "started" or "failed"
    run       output to the log; signals, resizes, stdin and exec as clients ask
    end       init died: drain output, exit.json, then "exited", and only then what may take long:
              the cgroup, the log's fdatasync, and (by exiting) the overlay with its mount namespace

A thousand of these may sleep at a time. Each page of the interpreter that one touches becomes its
own, so it does little: what needs memory is done by the child before execve, or when the end comes.
"""

from __future__ import annotations

import fcntl
import os
import time
from _socket import SCM_RIGHTS, SOL_SOCKET

from lading.failpoints import fp
from lading.kernel import namespaces, pidfd, tty
from lading.kernel.cgroup import Cgroup
from lading.kernel.cgroup.directory import make
from lading.runtime import init, messages, rundir
from lading.runtime.children import ContainerProcess
from lading.runtime.connections import Connection, Listener
from lading.runtime.execs import Execs
from lading.runtime.loop import Loop
from lading.runtime.output import PIPE_SIZE, Input, Output
from lading.runtime.segments import STDERR, STDOUT, Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from lading.runtime.head import Head
    from lading.runtime.messages import Message
    from lading.runtime.plan import Host

F_SETPIPE_SZ = 1031  # include/uapi/linux/fcntl.h
DRAIN_LIMIT = 4 * PIPE_SIZE  # bytes taken from each stream after init's death
FLUSH_TIMEOUT_S = 2.0  # how long a client that does not read may hold the end up


class Monitor:
    """State of one container while it runs."""

    __slots__ = (
        "_connections",
        "_console",
        "_directory",
        "_execs",
        "_is_over",
        "_is_running",
        "_listener",
        "_log",
        "_mount_namespace",
        "_null",
        "_outputs",
        "_stdin",
        "_terminal",
        "head",
        "host",
        "init",
        "loop",
    )

    def __init__(
        self,
        head: Head,
        host: Host,
        *,
        connection: _socket.socket,
        listener: _socket.socket,
        directory: int,
        null: int,
    ) -> None:
        self.head = head
        self.host = host
        self.loop = Loop()
        self.init = ContainerProcess(self.loop, self._reported, self._init_ended, self._prepared)
        self._directory = directory
        self._null = null
        self._is_over = False
        self._is_running = False
        self._mount_namespace = -1
        self._terminal = -1
        self._console = -1
        self._execs: Execs | None = None
        self._stdin: Input | None = None
        self._outputs: list[Output] = []
        self._log = Log(head["log"])
        self._connections: list[Connection] = []
        self._listener = Listener(self.loop, listener, self._connect)
        self._connect(connection)

    def run(self, body: bytes, fds: list[int]) -> None:
        """Start the container and stay until it is over."""
        try:
            self._start(body, fds)
        except Exception as error:
            number = getattr(error, "errno", 0) or 0
            self._undo({"message": str(error), "errno": number, "step": "prepare"})
            return
        while not self._is_over:
            self.loop.run_once()
            self._tell_watchers()
        if self.init.failure is not None:
            self._undo(self.init.failure)
        else:
            self._finish()

    # -- start ---------------------------------------------------------------------------------

    def _start(self, body: bytes, fds: list[int]) -> None:
        head = self.head
        if head["pid_namespace"]:
            descriptor = os.open(head["pid_namespace"], os.O_RDONLY | os.O_CLOEXEC)
            namespaces.setns(descriptor, namespaces.CLONE_NEWPID)
            os.close(descriptor)
        stdio = None
        if head["stdio"] is not None:
            stdio = fds[head["stdio"][0]], fds[head["stdio"][1]], fds[head["stdio"][2]]
        elif not head["terminal"]:
            stdio = self._open_pipes()
        if head["console"] is not None:
            self._console = os.dup(fds[head["console"]])
        cgroup = self._make_v2()
        host, directory, pid = self.host, self._directory, os.getpid()
        self.init.spawn(
            lambda child: init.plan_container(
                child, body, host, fds, directory=directory, monitor_pid=pid
            ),
            flags=head["flags"],
            stdio=stdio,
            cgroup=cgroup,
        )
        fp("monitor.init_cloned")
        for descriptor in {*fds, *(stdio or ()), cgroup} - {None, self._null}:
            os.close(descriptor)

    def _make_v2(self) -> int | None:
        """The v2 group's directory, for the child to be born in; v1 groups it makes itself."""
        trees, path = self.host.trees, self.head["cgroup"]
        if trees.v2 is None or not path:
            return None
        if trees.is_unified():
            Cgroup(path, trees).create(self.head["resources"])
        elif not make(trees.v2 + path):
            os.makedirs(trees.v2 + path, exist_ok=True)
        fp("monitor.cgroup_created")
        return os.open(trees.v2 + path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _open_pipes(self) -> tuple[int, int, int]:
        """The child's three ends; ours go to the loop."""
        stdin = self._null
        if self.head["stdin"]:
            stdin, ours = os.pipe2(os.O_CLOEXEC)
            self._stdin = Input(self.loop, ours, is_terminal=False)
        return stdin, self._open_output(STDOUT), self._open_output(STDERR)

    def _open_output(self, stream: int) -> int:
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            fcntl.fcntl(ours, F_SETPIPE_SZ, PIPE_SIZE)
        except OSError:  # beyond the user's share of pipe memory: the default size works too
            fp("monitor.small_pipe")
        self._outputs.append(Output(self.loop, ours, self._log, stream))
        return theirs

    def _prepared(self, process: ContainerProcess) -> None:
        """All is set up; a container that is to be created only now waits for "start"."""
        if process.master >= 0:
            self._terminal = process.master
            if self._console >= 0:
                self._give_console(process.master)
            else:
                self._outputs.append(Output(self.loop, process.master, self._log, STDOUT))
            if self.head["stdin"]:
                self._stdin = Input(self.loop, os.dup(process.master), is_terminal=True)
        if self.head["gate"]:
            self.broadcast({"event": "created", "pid": process.pid})

    def _give_console(self, master: int) -> None:
        """Hand the terminal's master to whoever asked for it by a console socket."""
        receiver = messages.adopt(self._console)
        packed = master.to_bytes(4, "little")
        receiver.sendmsg([b"pty"], [(SOL_SOCKET, SCM_RIGHTS, packed)])
        receiver.close()

    def _reported(self, process: ContainerProcess) -> None:
        """execve succeeded, or the child has said why not and is dead in a moment."""
        if process.failure is not None:
            return
        self._is_running = True
        try:
            self._mount_namespace = namespaces.mount_namespace_of(process.pidfd, process.pid)
        except OSError:  # it has ended already
            self._mount_namespace = -1
        for connection in self._connections:
            connection.send_raw(process.report)

    # -- while it runs -------------------------------------------------------------------------

    def _connect(self, socket: _socket.socket) -> None:
        self._connections.append(Connection(self.loop, socket, self._dispatch))

    def broadcast(self, message: Message) -> None:
        for connection in self._connections:
            connection.send(message)
        self._connections = [c for c in self._connections if c.is_open]

    def _tell_watchers(self) -> None:
        size = self._log.size
        for connection in self._connections:
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

    def _do_signal(self, _c: Connection, message: Message, _fds: list[int]) -> Message:
        pidfd.pidfd_send_signal(self.init.pidfd, message["signal"])
        return {}

    def _do_start(self, _c: Connection, _message: Message, _fds: list[int]) -> Message:
        self.init.start()
        return {}

    def _do_resize(self, _c: Connection, message: Message, _fds: list[int]) -> Message:
        name = message.get("exec")
        terminal = self._terminal if name is None else self.execs.terminal(name)
        if terminal < 0:
            raise ValueError("no terminal to resize")
        tty.set_size(terminal, message["height"], message["width"])
        return {}

    def _do_stdin(self, _c: Connection, message: Message, fds: list[int]) -> Message:
        if self._stdin is None:
            raise ValueError("stdin is not open")
        self._stdin.add(fds.pop(0), close_on_eof=bool(message.get("close_on_eof")))
        return {}

    def _do_close_stdin(self, _c: Connection, _message: Message, _fds: list[int]) -> Message:
        if self._stdin is not None:
            self._stdin.close()
        return {}

    def _do_watch_log(self, connection: Connection, message: Message, _fds: list[int]) -> Message:
        connection.watched_size = message["size"]
        return {}

    def _do_exec(self, connection: Connection, message: Message, fds: list[int]) -> Message | None:
        if not self._is_running:
            raise ValueError("container not running")
        self.execs.start(connection, message, fds)
        return None  # the reply follows when execve has succeeded or failed

    def _do_exec_signal(self, _c: Connection, message: Message, _fds: list[int]) -> Message:
        self.execs.signal(message["exec_id"], message["signal"])
        return {}

    def _do_state(self, _c: Connection, _message: Message, _fds: list[int]) -> Message:
        return {
            "status": self._status(),
            "pid": self.init.pid,
            "log_size": self._log.size,
            "execs": self.execs.pids(),
        }

    def _status(self) -> str:
        """As the OCI standard names it."""
        if self._is_running:
            return "running"
        return "created" if self.head["gate"] and self.init.report else "creating"

    @property
    def execs(self) -> Execs:
        """Made when first asked for: most containers never see an exec."""
        if self._execs is None:
            self._execs = Execs(self)
        return self._execs

    # -- end -----------------------------------------------------------------------------------

    def _init_ended(self, process: ContainerProcess) -> None:
        self._is_over = True

    def _finish(self) -> None:
        cgroup = self._cgroup()
        if cgroup is not None and not self.head["flags"] & namespaces.CLONE_NEWPID:
            cgroup.kill()  # with its own pid namespace the kernel has killed all the others
            self.execs.reap()
        for output in self._outputs:
            output.drain(DRAIN_LIMIT)
        record = {
            "exit_code": self.init.exit_code,
            "oom_killed": cgroup is not None and cgroup.oom_killed(),
            "finished_at_ns": time.time_ns(),
        }
        rundir.write(self._directory, rundir.EXIT, record)
        self._tell_watchers()
        self.broadcast({"event": "exited", **record})
        self._leave()
        if cgroup is not None:
            cgroup.remove()
        self._log.close()

    def _cgroup(self) -> Cgroup | None:
        path = self.head["cgroup"]
        return Cgroup(path, self.host.trees) if path else None

    def _undo(self, failure: Message) -> None:
        """A start that failed leaves nothing, and says so last."""
        cgroup = self._cgroup()
        if cgroup is not None:
            cgroup.kill()
            cgroup.remove()
        rundir.remove(self._directory, rundir.STATE)
        self.broadcast({"event": "failed", "error": failure})
        self._leave()
        self._log.close()

    def _leave(self) -> None:
        """No new clients; those that still have to read something get a moment."""
        self._listener.close()
        rundir.remove(self._directory, rundir.SOCKET)
        deadline = time.monotonic() + FLUSH_TIMEOUT_S
        while any(c.has_unsent for c in self._connections) and time.monotonic() < deadline:
            self.loop.run_once(0.1)
        for connection in self._connections:
            connection.close()


VERBS = {
    "start": Monitor._do_start,
    "signal": Monitor._do_signal,
    "resize": Monitor._do_resize,
    "stdin": Monitor._do_stdin,
    "close_stdin": Monitor._do_close_stdin,
    "watch_log": Monitor._do_watch_log,
    "exec": Monitor._do_exec,
    "exec_signal": Monitor._do_exec_signal,
    "state": Monitor._do_state,
}
