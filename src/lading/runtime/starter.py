"""The first shift of a container: it starts it.

It waits, prepared, for the next request: pipes, sockets and even the child (`parked`) are made
before anybody asks. Init becomes the keeper's child (CLONE_PARENT), for the keeper stays:

    keeper, asleep --fork--> starter --clone3--> parked, init --execve--> program
"""

from __future__ import annotations

import fcntl
import os

from lading.failpoints import fp
from lading.kernel import memory, namespaces, pidfd
from lading.kernel.cgroup import Cgroup
from lading.kernel.cgroup.directory import make_with_parents
from lading.runtime import handover, init, messages, parked, rundir
from lading.runtime.children import FAILURE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import NoReturn

    from lading.kernel.memory import Region
    from lading.runtime.head import Head
    from lading.runtime.mapped_start import MappedStart
    from lading.runtime.messages import Message
    from lading.runtime.plan import Host
    from lading.runtime.spec import Overlay

F_SETPIPE_SZ = 1031  # include/uapi/linux/fcntl.h
PIPE_SIZE = 256 * 1024  # bytes that wait while a monitor wakes; Linux gives 64 KiB otherwise
OWN_DESCRIPTORS = 3  # connection, listener, directory: what comes before the request's own


class Started:
    """What came of a start: `failure` says why there is no container, `fds` are by name."""

    __slots__ = ("failure", "fds", "head", "pid")

    def __init__(
        self,
        head: Head,
        pid: int,
        failure: Message | None,
        fds: dict[str, int],
    ) -> None:
        self.head = head
        self.pid = pid  # 0: it came not even to a child
        self.failure = failure
        self.fds = fds


class Starter:
    """Everything that can be made before a request is known."""

    __slots__ = (
        "_group",
        "_mapped",
        "_null",
        "_parked",
        "_pid",
        "_pipes",
        "_report",
        "_sync",
        "_warnings",
        "channel",
        "host",
    )

    def __init__(self, channel: _socket.socket, host: Host, null: int) -> None:
        self.channel = channel  # to the keeper
        self.host = host
        self._null = null
        self._group: Cgroup | None = None  # on cgroup v2 alone
        self._mapped: MappedStart | None = None  # in a user namespace
        self._pipes = [_open_pipe() for _ in range(2)]
        self._report, self._sync = messages.pair()
        self._pid = 0
        self._parked: tuple[int, int] | None = None  # pid and pidfd
        self._warnings: list[str] = []

    def prepare(self, code: list[Region], foreign: list[int]) -> None:
        """Get ready. `foreign`: descriptors whose end others wait for, so the child closes them."""
        if self.host.trees.v2 is None:  # else it has to be born in a cgroup that nobody knows yet
            messages.allow_large(self._report)
            self._parked = namespaces.clone3(parked.BORN_WITH | namespaces.CLONE_PARENT)
            if self._parked[0] == 0:
                self._park(code, foreign)
            self._sync.close()
        memory.populate(code)

    def _park(self, code: list[Region], foreign: list[int]) -> NoReturn:
        for descriptor in foreign:
            os.close(descriptor)
        self._report.close()
        self.channel.close()
        (_, stdout), (_, stderr) = self._pipes
        parked.wait(self._sync, (self._null, stdout, stderr), self.host, code)

    def start(self, head: Head, body: bytes, fds: list[int]) -> Started:
        """Start the container of this request, or find out why not. `body`: not yet decoded."""
        names = {"connection": fds[0], "listener": fds[1], "directory": fds[2]}
        given = fds[OWN_DESCRIPTORS:]
        try:
            if head["served"]:
                self._serve_root(head["served"], given, names)
            failure = self._start(head, body, given, names)
        except Exception as error:
            self._report.close()  # a child that waits for its cgroup then ends
            number = getattr(error, "errno", 0) or 0
            failure = {"message": str(error), "errno": number, "step": "prepare"}
        for descriptor in given:
            os.close(descriptor)  # or a network would live as long as this shift
        return Started(head, self._pid, failure, names)

    def _serve_root(self, overlay: Overlay, given: list[int], names: dict[str, int]) -> None:
        """A root that a process serves: it becomes the last of the request's descriptors."""
        from lading.runtime import served_root  # few containers have one

        tree, names["server"] = served_root.make(overlay, names["directory"])
        given.append(tree)
        fp("starter.root_served")

    def _start(
        self, head: Head, body: bytes, fds: list[int], names: dict[str, int]
    ) -> Message | None:
        self._pid, names["pidfd"] = self._child(head, body, fds, self._stdio(head, names))
        fp("starter.init_cloned")
        self._write_state(head, names["directory"])
        if self._mapped is not None:
            self._mapped.settle(self._report, self._pid)
        else:
            self._make_v1(head)
        failure = self._hear(names)
        if failure is None:
            fp("starter.started")
            self._tell_started(names)
        return failure

    def _stdio(self, head: Head, names: dict[str, int]) -> tuple[int, int, int] | None:
        """The child's three ends, None for a terminal; ours get their names."""
        if head["terminal"]:
            return None
        stdin = self._null
        if head["stdin"]:
            stdin, names["stdin"] = os.pipe2(os.O_CLOEXEC)
        (names["stdout"], stdout), (names["stderr"], stderr) = self._pipes
        return stdin, stdout, stderr

    def _child(
        self, head: Head, body: bytes, fds: list[int], stdio: tuple[int, int, int] | None
    ) -> tuple[int, int]:
        """The container's first process, on its way: pid and pidfd."""
        if self._parked is not None and head["users"] is None and parked.fits(head["flags"]):
            given = None if stdio is None else list(stdio) if head["stdin"] else []
            parked.send(self._report, head["flags"], body, given, fds)
            found = self._parked
        else:
            found = self._clone(head, body, fds, stdio)
        for ours, theirs in self._pipes:
            os.close(theirs)
            if stdio is None:
                os.close(ours)
        return found

    def _clone(
        self, head: Head, body: bytes, fds: list[int], stdio: tuple[int, int, int] | None
    ) -> tuple[int, int]:
        if self._parked is not None:  # it ends when its socket is closed
            self._report.close()
            handover.reap(self.channel, self._parked[0])
            os.close(self._parked[1])
            self._report, self._sync = messages.pair()
        if head["users"] is not None:
            return self._clone_mapped(head, body, fds, stdio)
        if head["pid_namespace"]:
            descriptor = os.open(head["pid_namespace"], os.O_RDONLY | os.O_CLOEXEC)
            namespaces.setns(descriptor, namespaces.CLONE_NEWPID)
        cgroup = self._make_v2(head)
        pid, pidfd = namespaces.clone3(head["flags"] | namespaces.CLONE_PARENT, cgroup=cgroup)
        if pid == 0:
            self._report.close()
            self.channel.close()
            init.run(
                self._sync,
                stdio,
                lambda: init.plan_container(body, self.host, fds),
            )
        self._sync.close()
        if self._group is not None:
            self._group.born(head["resources"])
        return pid, pidfd

    def _clone_mapped(
        self, head: Head, body: bytes, fds: list[int], stdio: tuple[int, int, int] | None
    ) -> tuple[int, int]:
        """In a user namespace; loaded by the spawner once there was one."""
        from lading.runtime.mapped_start import MappedStart

        mapped = MappedStart(head, body, self.host, fds)
        self._warnings += mapped.make_groups()
        cgroup = self._make_v2(head)
        mapped.make_mounts()
        mapped.give_stdio(stdio)
        fp("starter.mounts_made")
        pid, pidfd = mapped.clone(self._sync, (self._report, self.channel), stdio, cgroup)
        self._sync.close()
        self._mapped = mapped
        if self._group is not None:
            self._group.born(head["resources"])
        return pid, pidfd

    def _make_v2(self, head: Head) -> int | None:
        """The v2 group's directory, for the child to be born in; v1 groups it makes itself."""
        trees, path = self.host.trees, head["cgroup"]
        if trees.v2 is None or not path:
            return None
        if trees.is_unified():
            self._group = Cgroup(path, trees, systemd=head["systemd"])
            self._warnings += self._group.create(head["resources"])
        else:
            make_with_parents(trees.v2, path)
        fp("starter.cgroup_created")
        return os.open(trees.v2 + path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _write_state(self, head: Head, directory: int) -> None:
        """Leave state.json for whoever must find these processes without us.

        A child whose plan was refused may be dead by now; its report, still unread, says why.
        """
        monitor = os.getppid()
        record = {
            "pid": self._pid,
            "start_time": _start_time(self._pid),
            "monitor_pid": monitor,
            "monitor_start_time": pidfd.start_time(monitor),
            "cgroup_path": head["cgroup"],
        }
        rundir.write(directory, rundir.STATE, record)

    def _make_v1(self, head: Head) -> None:
        """The v1 groups with their limits, while the child mounts its root; it waits for them."""
        if not head["cgroup"] or self.host.trees.is_unified():
            return
        self._warnings += Cgroup(head["cgroup"], self.host.trees).create(head["resources"])
        fp("starter.v1_created")
        try:
            self._report.send(b"c")
        except OSError:  # it has failed before: its report says so
            return

    def _hear(self, names: dict[str, int]) -> Message | None:
        """Wait until the child has executed its program, or return why it has not."""
        failure = None
        while True:
            data, fds = messages.receive_raw(self._report)
            if not data:
                return failure
            if data.startswith(FAILURE):
                failure = messages.decode(data)["failed"]
            else:
                self._warnings += messages.decode(data)["warnings"]
                if fds:
                    names["master"] = fds[0]

    def _tell_started(self, names: dict[str, int]) -> None:
        try:
            names["mounts"] = namespaces.mount_namespace_of(names["pidfd"], self._pid)
        except OSError:  # it has ended already
            fp("starter.ended_early")
        data = messages.encode(started(self._pid, self._warnings))
        messages.send_quietly(names["connection"], data)


def started(pid: int, warnings: list[str]) -> Message:
    """The event for clients; a start time of 0 says that the container has ended already."""
    start_time = _start_time(pid)
    return {"event": "started", "pid": pid, "start_time": start_time, "warnings": warnings}


def _start_time(pid: int) -> int:
    """Of our child; 0, which no process has, when it has ended already."""
    try:
        return pidfd.start_time(pid)
    except ProcessLookupError:
        return 0


def _open_pipe() -> tuple[int, int]:
    """A pipe for output that holds more than the default."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    try:
        fcntl.fcntl(ours, F_SETPIPE_SZ, PIPE_SIZE)
    except OSError:  # beyond the user's share of pipe memory: the default size works too
        return ours, theirs
    return ours, theirs
