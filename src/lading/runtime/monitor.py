"""The process beside each container: owns its stdio, log, terminal and cgroup; reaps its init.

It outlives engine and spawner, so it depends on neither: it answers on a socket in the container's
directory and leaves the exit code there. When it ends, the container ends (PR_SET_PDEATHSIG).

    start     asleep; the starter makes the container and hands it over (`starter`, `handover`)
    run       output to the log; signals, resizes, stdin and exec as clients ask
    end       init died: drain output, exit.json, then "exited", and only then what may take long:
              the cgroup, the log's fdatasync, and (by exiting) the overlay with its mount namespace

Each page of the interpreter that a monitor touches becomes its own, so one whose container neither
prints nor is asked for anything sleeps before any of this code has run.
"""

from __future__ import annotations

import os
import time
from _socket import SCM_RIGHTS, SOL_SOCKET
from errno import ESRCH

from lading.kernel import namespaces, pidfd, tty
from lading.kernel.cgroup import Cgroup
from lading.runtime import handover, messages, rundir
from lading.runtime.children import ContainerProcess
from lading.runtime.connections import Connection, Listener
from lading.runtime.execs import Execs
from lading.runtime.loop import Loop
from lading.runtime.output import Input, Output
from lading.runtime.segments import STDERR, STDOUT, Log
from lading.runtime.starter import PIPE_SIZE, started

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from lading.runtime.messages import Message
    from lading.runtime.plan import Host

DRAIN_LIMIT = 4 * PIPE_SIZE  # bytes taken from each stream after init's death
FLUSH_TIMEOUT_S = 2.0  # how long a client that does not read may hold the end up


class Monitor:
    """State of one container while it runs; made from what the starter handed over."""

    __slots__ = (
        "_connections",
        "_console",
        "_directory",
        "_execs",
        "_failure",
        "_is_over",
        "_is_running",
        "_listener",
        "_log",
        "_mounts",
        "_outputs",
        "_stdin",
        "_terminal",
        "_warnings",
        "head",
        "host",
        "init",
        "loop",
    )

    def __init__(self, datagram: bytes, received: list[int], host: Host) -> None:
        facts, fds = handover.read(datagram, received)
        self.head = facts["head"]
        self.host = host
        self.loop = Loop()
        self.init = ContainerProcess(self.loop, self._reported, self._init_ended, self._prepared)
        self._failure = facts["failure"]
        self._warnings = facts["warnings"]
        self._directory = fds["directory"]
        self._mounts = fds.get("mounts", -1)  # the mount namespace: its overlay ends after us
        self._console = fds.get("console", -1)
        self._terminal = -1
        self._is_over = False
        self._is_running = "report" not in fds
        self._execs: Execs | None = None
        self._stdin: Input | None = None
        self._outputs: list[Output] = []
        self._log = Log(self.head["log"], self.head["log_quota"])
        self._connections: list[Connection] = []
        self._listener = Listener(self.loop, messages.adopt(fds["listener"]), self._connect)
        self._connect(messages.adopt(fds["connection"]))
        if self.head["log_held"]:
            self._connections[0].held_segment = 1
            self._hold_log()
        self._take(facts["pid"], fds)

    def _take(self, pid: int, fds: dict[str, int]) -> None:
        """The child and its streams, as far as the start came."""
        if "pidfd" in fds:
            report = messages.adopt(fds["report"]) if "report" in fds else None
            self.init.adopt(pid, fds["pidfd"], report)
        if "stdin" in fds:
            self._stdin = Input(self.loop, fds["stdin"], is_terminal=False)
        for name, stream in (("stdout", STDOUT), ("stderr", STDERR)):
            if name in fds:
                self._outputs.append(Output(self.loop, fds[name], self._log, stream))
        if "master" in fds:
            self._take_terminal(fds["master"])

    def _take_terminal(self, master: int) -> None:
        self._terminal = master
        self._outputs.append(Output(self.loop, master, self._log, STDOUT))
        if self.head["stdin"]:
            self._stdin = Input(self.loop, os.dup(master), is_terminal=True)

    def run(self) -> None:
        """Stay until the container is over, and clean up after it."""
        while not self._is_over and (self._failure is None or self.init.pid > 0):
            self.loop.run_once()
            self._tell_watchers()
        failure = self._failure or self.init.failure
        if failure is not None:
            self._undo(failure)
        else:
            self._finish()

    # -- a start that waits for its word -------------------------------------------------------

    def _prepared(self, process: ContainerProcess) -> None:
        """All is set up; a container that is to be created only now waits for "start"."""
        if process.master >= 0:
            if self._console >= 0:
                self._give_console(process.master)
            else:
                self._take_terminal(process.master)
        self.broadcast({"event": "created", "pid": process.pid})

    def _give_console(self, master: int) -> None:
        """Hand the terminal's master to whoever asked for it by a console socket."""
        self._terminal = master
        receiver = messages.adopt(self._console)
        packed = master.to_bytes(4, "little")
        receiver.sendmsg([b"pty"], [(SOL_SOCKET, SCM_RIGHTS, packed)])
        receiver.close()

    def _reported(self, process: ContainerProcess) -> None:
        """A container that waited was told to start: it did, or is dead in a moment."""
        if process.failure is not None:
            return
        self._is_running = True
        try:
            self._mounts = namespaces.mount_namespace_of(process.pidfd, process.pid)
        except OSError:  # it has ended already
            self._mounts = -1
        tolerated = self._warnings + messages.decode(process.report)["warnings"]
        self.broadcast(started(process.pid, tolerated))

    # -- while it runs -------------------------------------------------------------------------

    def _connect(self, socket: _socket.socket) -> None:
        self._connections.append(Connection(self.loop, socket, self._dispatch))

    def broadcast(self, message: Message) -> None:
        for connection in self._connections:
            connection.send(message)
        self._connections = [c for c in self._connections if c.is_open]

    def _tell_watchers(self) -> None:
        end = self._log.end
        for connection in self._connections:
            if connection.watched_end is not None and end > connection.watched_end:
                connection.watched_end = None
                connection.send({"event": "log", "end": end})
            if connection.held_segment and not connection.is_open:
                connection.held_segment = 0
                self._hold_log()

    def _hold_log(self) -> None:
        """Keep what the clients together still read."""
        self._log.hold(min([c.held_segment for c in self._connections if c.held_segment] or [0]))

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
        if self._is_over:  # a request in the midst of the end: the pidfd is closed
            raise ProcessLookupError(ESRCH, "the process has ended")
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
        connection.watched_end = message["end"]
        return {}

    def _do_hold_log(self, connection: Connection, message: Message, _fds: list[int]) -> Message:
        connection.held_segment = message["segment"]
        self._hold_log()
        return {"end": self._log.end}

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
            "log_end": self._log.end,
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
    "hold_log": Monitor._do_hold_log,
    "exec": Monitor._do_exec,
    "exec_signal": Monitor._do_exec_signal,
    "state": Monitor._do_state,
}
