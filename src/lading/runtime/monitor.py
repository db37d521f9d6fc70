"""What is done beside each container: its stdio, log, terminal and cgroup; its end; its clients.

It outlives engine and spawner, so it depends on neither: it answers on a socket in the container's
directory and leaves the exit code there. When it ends, the container ends (PR_SET_PDEATHSIG).

    start     the starter has made the container, or failed to
    run       output to the log; signals, resizes, stdin and exec as clients ask
    sleep     nothing happens: all is given to the keeper, until something does (`keeper`)
    end       init died: drain output, exit.json, then "exited", and only then what may take long:
              the cgroup, hanging up, the log's fdatasync, and (by exiting) the overlay with its
              mount namespace
"""

from __future__ import annotations

import os
import time

from lading.failpoints import fp
from lading.kernel import namespaces, pidfd
from lading.kernel.cgroup import Cgroup
from lading.runtime import handover, messages, requests, rundir
from lading.runtime.children import ContainerProcess
from lading.runtime.connections import Connection, Listener
from lading.runtime.execs import Execs
from lading.runtime.loop import IN, Loop
from lading.runtime.output import Input, Output
from lading.runtime.segments import STDERR, STDOUT, Log
from lading.runtime.starter import PIPE_SIZE, Started

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from lading.runtime.handover import Facts
    from lading.runtime.messages import Message
    from lading.runtime.plan import Host

FIRST_IDLE_S = 0.2  # without an event, until the starter goes
IDLE_S = 2.0  # the same of later shifts: what happens once may happen again soon
STREAMS = (("stdout", STDOUT), ("stderr", STDERR))
MAX_HANDED = 200  # clients; a message carries 253 descriptors
DRAIN_LIMIT = 4 * PIPE_SIZE  # bytes taken from each stream after init's death
FLUSH_TIMEOUT_S = 2.0  # how long a client that does not read may hold the end up
KILLED = 128 + 9  # exit code of a process that SIGKILL ended


class Monitor:
    """State of one container while a shift looks after it."""

    __slots__ = (
        "_channel",
        "_connections",
        "_directory",
        "_execs",
        "_failure",
        "_idle_s",
        "_listener",
        "_mounts",
        "_outputs",
        "_server",
        "head",
        "host",
        "init",
        "is_over",
        "log",
        "loop",
        "stdin",
        "terminal",
    )

    def __init__(
        self,
        channel: _socket.socket,
        host: Host,
        start: Started,
        *,
        log: list[int] | None = None,
        idle_s: float = FIRST_IDLE_S,
    ) -> None:
        fds = start.fds
        self._channel = channel
        self._idle_s = idle_s
        self.head = start.head
        self.host = host
        self.loop = Loop()
        self.init = ContainerProcess(self.loop, self._init_ended, wait=self._reap)
        self._failure = start.failure
        self._directory = fds["directory"]
        self._mounts = fds.get("mounts", -1)  # the mount namespace: its overlay ends after us
        self._server = fds.get("server", -1)  # what serves its root, see served_root
        self.terminal = -1
        self.is_over = False
        self._execs: Execs | None = None
        self.stdin: Input | None = None
        self._outputs: list[Output] = []
        self.log = Log(self.head["log"], self.head["log_quota"], log)
        self._connections: list[Connection] = []
        self._listener = Listener(self.loop, messages.adopt(fds["listener"]), self._connect)
        if "connection" in fds:
            self._connect(messages.adopt(fds["connection"]))
            self._connections[0].held_segment = int(self.head["log_held"])
            self.hold_log()
        self._take(start.pid, fds)

    def _take(self, pid: int, fds: dict[str, int]) -> None:
        """The child and its streams, as far as the start came."""
        if "pidfd" in fds:
            self.init.adopt(pid, fds["pidfd"])
        if self._server >= 0:
            self.loop.register(self._server, IN, self._server_ended)
        if "stdin" in fds:
            self.stdin = Input(self.loop, fds["stdin"], is_terminal=False)
        for name, stream in STREAMS:
            if name in fds:
                self._outputs.append(Output(self.loop, fds[name], self.log, stream))
        if "master" in fds:
            self._take_terminal(fds["master"])

    def _take_terminal(self, master: int) -> None:
        self.terminal = master
        self._outputs.append(Output(self.loop, master, self.log, STDOUT))
        if self.head["stdin"]:
            self.stdin = Input(self.loop, os.dup(master), is_terminal=True)

    def _reap(self, pid: int) -> int:
        return handover.reap(self._channel, pid)

    def run(self) -> None:
        """Look after the container until it is over, and clean up; or until nothing happens."""
        while not self.is_over and (self._failure is None or self.init.pid > 0):
            may_sleep = self._may_sleep()
            happened = self.loop.run_once(self._idle_s if may_sleep else -1)
            if may_sleep and not happened:
                handover.sleep(self._channel, *self._belongings())
                return
            self._tell_watchers()
        if self._failure is not None:
            self._undo(self._failure)
        else:
            self._finish()

    # -- between two shifts ----------------------------------------------------------------------

    def _may_sleep(self) -> bool:
        """Whether all that goes on can be told in a few words."""
        return (
            self.is_running
            and (self.stdin is None or self.stdin.is_quiet)
            and (self._execs is None or not self._execs.pids())
            and len(self._connections) < MAX_HANDED
            and not any(c.has_unsent for c in self._connections)
        )

    def _belongings(self) -> tuple[Facts, dict[str, int]]:
        """What the next shift needs: facts, and descriptors by name, first what to wait for."""
        fds = {"epoll": self.loop.fileno(), "listener": self._listener.fileno()}
        fds |= {"directory": self._directory, "pidfd": self.init.pidfd}
        clients = [c for c in self._connections if c.is_open]
        for number, client in enumerate(clients):
            fds[f"connection{number}"] = client.fileno()
        for output in self._outputs:
            if output.is_open:
                name = "stdout" if output.stream == STDOUT else "stderr"
                fds["master" if self.terminal >= 0 else name] = output.descriptor
        if self.stdin is not None and self.terminal < 0 and self.stdin.descriptor >= 0:
            fds["stdin"] = self.stdin.descriptor
        if self._mounts >= 0:
            fds["mounts"] = self._mounts
        if self._server >= 0:
            fds["server"] = self._server
        facts: Facts = {
            "head": self.head,
            "pid": self.init.pid,
            "connections": [(client.watched_end, client.held_segment) for client in clients],
            "log": self.log.state,
        }
        return facts, fds

    def welcome_back(self, sockets: list[int], wishes: list[tuple[int | None, int]]) -> None:
        """Clients of the shift before."""
        for descriptor, (watched, held) in zip(sockets, wishes, strict=True):
            self._connect(messages.adopt(descriptor))
            self._connections[-1].watched_end = watched
            self._connections[-1].held_segment = held
        self.hold_log()

    # -- while it runs -------------------------------------------------------------------------

    def _connect(self, socket: _socket.socket) -> None:
        self._connections.append(Connection(self.loop, socket, self._dispatch))

    def broadcast(self, message: Message) -> None:
        for connection in self._connections:
            connection.send(message)
        self._connections = [c for c in self._connections if c.is_open]

    def _tell_watchers(self) -> None:
        end = self.log.end
        for connection in self._connections:
            if connection.watched_end is not None and end > connection.watched_end:
                connection.watched_end = None
                connection.send({"event": "log", "end": end})
            if connection.held_segment and not connection.is_open:
                connection.held_segment = 0
                self.hold_log()

    def hold_log(self) -> None:
        """Keep of the log what the clients together still read."""
        self.log.hold(min([c.held_segment for c in self._connections if c.held_segment] or [0]))

    def _dispatch(self, connection: Connection, message: Message, fds: list[int]) -> None:
        requests.answer(self, connection, message, fds)

    @property
    def is_running(self) -> bool:
        """Whether there is a container; one whose start failed is only waited for."""
        return self._failure is None

    @property
    def execs(self) -> Execs:
        """Made when first asked for: most containers never see an exec."""
        if self._execs is None:
            self._execs = Execs(self)
        return self._execs

    def _server_ended(self, _events: int) -> None:
        """Nothing in the container can be read any more: it ends, so that it can be restarted."""
        self.loop.unregister(self._server)
        os.close(self._server)
        self._server = -1
        if self.init.pid > 0:
            pidfd.kill(self.init.pidfd)

    # -- end -----------------------------------------------------------------------------------

    def _init_ended(self, process: ContainerProcess) -> None:
        self.is_over = True

    def _finish(self) -> None:
        cgroup = self._cgroup()
        if cgroup is not None and not self.head["flags"] & namespaces.CLONE_NEWPID:
            cgroup.kill()  # with its own pid namespace the kernel has killed all the others
            self.execs.reap()
        for output in self._outputs:
            output.drain(DRAIN_LIMIT)
        record = {
            "exit_code": self.init.exit_code,
            "oom_killed": cgroup is not None and self._was_killed_for_memory(cgroup),
            "finished_at_ns": time.time_ns(),
        }
        rundir.write(self._directory, rundir.EXIT, record)
        self._tell_watchers()
        self.broadcast({"event": "exited", **record})
        self._leave()
        fp("exit.told")
        try:
            if cgroup is not None:
                cgroup.remove()
        finally:
            self._hang_up()
            self.log.close()

    def _was_killed_for_memory(self, cgroup: Cgroup) -> bool:
        if cgroup.oom_killed():
            return True
        if not self.head["systemd"] or cgroup.exists() or self.init.exit_code != KILLED:
            return False
        # systemd has removed the group before we could look: the log of the kernel knows
        from lading.kernel import kmsg

        state = rundir.read(f"/proc/self/fd/{self._directory}", rundir.STATE) or {}
        return kmsg.tells_of_oom_kill(cgroup.path, state.get("start_time", 0))

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
        self._hang_up()
        self.log.close()

    def _leave(self) -> None:
        """No new clients; those that still have to read something get a moment."""
        self._listener.close()
        rundir.remove(self._directory, rundir.SOCKET)
        deadline = time.monotonic() + FLUSH_TIMEOUT_S
        while any(c.has_unsent for c in self._connections) and time.monotonic() < deadline:
            self.loop.run_once(0.1)

    def _hang_up(self) -> None:
        """Who sees this looks whether the cgroup is gone, for a kill ends a connection, too."""
        for connection in self._connections:
            connection.close()


def resume(channel: _socket.socket, word: bytes, received: list[int], host: Host) -> None:
    """Be the next shift, with what the one before has left."""
    facts, fds = handover.wake(word, received)
    os.close(fds["epoll"])
    start = Started(facts["head"], facts["pid"], None, fds)
    monitor = Monitor(channel, host, start, log=facts["log"], idle_s=IDLE_S)
    names = [f"connection{number}" for number in range(len(facts["connections"]))]
    monitor.welcome_back([fds[name] for name in names], facts["connections"])
    monitor.run()
