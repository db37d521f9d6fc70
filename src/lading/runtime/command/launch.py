"""The parent's part of a start: what is made before init is born, and its questions on the way.

    create  directory, cgroup, socket, mounts --> clone3 --> ids, state, hooks --> "created"
    start   connect to init's socket --> it executes its program, or says why not

Where a namespace can only be had by a child's birth and not for ourselves (a user or pid namespace
by path, new clocks), a stage in between joins it and clones init as our child (CLONE_PARENT).
"""

from __future__ import annotations

import _socket
import os

from lading.errors import Conflict
from lading.failpoints import fp
from lading.kernel import idmap, pidfd
from lading.kernel import namespaces as ns
from lading.kernel.cgroup import Cgroup
from lading.runtime import hooks, init, messages, parent_mounts, plan, rundir
from lading.runtime.command import filter_cache, stage, store
from lading.runtime.command.starting import GO_ON, StartFailed
from lading.runtime.joining import join_for_children
from lading.runtime.operations.user_namespace import DENIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from lading.runtime.command.store import Entry, State
    from lading.runtime.spec import Linux, Namespace, Request, Spec

SIGKILL = 9


class FrozenGroup(Conflict):
    """container's cgroup unexpectedly frozen"""


class GroupInUse(Conflict):
    """{0}"""


class Launch:
    """One container from its spec to `created`; `undo` takes all of it back."""

    def __init__(
        self,
        entry: Entry,
        request: Request,
        state: State,
        host: plan.Host,
        *,
        notifies: bool,
        stone: int,
    ) -> None:
        self._stone = stone
        self._notifies = notifies  # a directory for its readiness socket is wanted
        self.entry = entry
        self.request = request
        self.state = state
        self.pidfd = -1
        self.master = -1  # of its terminal
        self.warnings: list[str] = []
        self._host = host
        self._spec: Spec = request["spec"]
        self._linux: Linux = self._spec.get("linux") or {}
        self._fds: list[int] = []
        self._group: int | None = None  # the v2 directory that init is born in
        self._cgroup: Cgroup | None = None
        self._had_cgroup = False  # it was there before us
        self._filter: bytes | None = None
        self._listener: _socket.socket | None = None
        self._directory = -1

    @property
    def namespaces(self) -> list[Namespace]:
        return self._linux.get("namespaces") or []

    def create(self) -> None:
        """Everything up to the point at which the program could be executed."""
        self._directory = self.entry.make()
        fp("create.directory-made")
        if self._notifies:
            os.mkdir(store.NOTIFY, 0o755, dir_fd=self._directory)
        rundir.write(self._directory, store.CONFIG, dict(self._spec))
        self.entry.write(self.state)
        self._filter = filter_cache.program(
            self.entry.root, self._linux.get("seccomp"), os.uname().machine
        )
        self._make_cgroup()
        fp("create.cgroup-made")
        self._listen()
        if not any(n["type"] == "mount" for n in self.namespaces):
            self.request["directory"] = f"{self.entry.directory}/{store.ROOT}"
            os.mkdir(self.request["directory"], 0o711)
        trees = parent_mounts.make(self._spec)
        ours, theirs = messages.pair()
        messages.allow_large(theirs)
        self.state["pid"], self.pidfd = self._clone(ours, theirs, trees)
        theirs.close()
        for descriptor in trees.values():
            os.close(descriptor)
        fp("create.cloned")
        if self._cgroup is not None:
            self._cgroup.born(self._linux.get("resources"))
        try:
            self.state["start_time"] = pidfd.start_time(self.state["pid"])
            self.entry.write(self.state)
            fp("create.state-written")
            self._settle(ours)
        except (OSError, ValueError):
            self._hear_out(ours)
            raise
        self._converse(ours)
        ours.close()

    # -- before birth --------------------------------------------------------------------------

    def _make_cgroup(self) -> None:
        path = self.state["cgroup_path"]
        if not path:
            return
        trees = self._host.trees
        group = Cgroup(path, trees, systemd=self.state["systemd"])
        self._had_cgroup = group.exists()
        try:
            self.warnings += group.create(self._linux.get("resources"))
            if store.is_frozen(group):
                raise FrozenGroup()
            if self._had_cgroup and (count := len(group.pids())):
                self._admit_strangers(count)
            files = [] if trees.is_unified() else group.join_files()
            self._group = group.v2_directory_fd()
            self._cgroup = group
        except OSError as error:
            limits = {k: v for k, v in (self._linux.get("resources") or {}).items() if v}
            if os.geteuid() == 0 or set(limits) - {"devices"}:
                raise
            # a plain user without a delegated group asks for no limits: it runs where we are
            self.warnings.append(f"no cgroup: {error}")
            self.state["cgroup_path"] = self._linux["cgroupsPath"] = ""
            self.entry.write(self.state)
            return
        first = len(self._fds)
        self._fds += files
        self.request["fds"]["cgroup"] = list(range(first, len(self._fds)))

    def _admit_strangers(self, count: int) -> None:
        """Two containers may share a group, as runc 1.1 has it; but not a scope of systemd's."""
        text = f"container's cgroup is not empty: {count} process(es) found"
        if self.state["systemd"]:
            raise GroupInUse(text)
        self.warnings.append(text)
        self.state["is_shared"] = True
        self.entry.write(self.state)

    def _listen(self) -> None:
        kind = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
        self._listener = _socket.socket(_socket.AF_UNIX, kind)
        self._listener.bind(f"/proc/self/fd/{self._directory}/{store.START_SOCKET}")
        self._listener.listen(1)

    # -- birth ---------------------------------------------------------------------------------

    def _clone(
        self, ours: _socket.socket, theirs: _socket.socket, trees: dict[str, int]
    ) -> tuple[int, int]:
        paths = {n["type"]: n.get("path") or "" for n in self.namespaces}
        flags = 0
        for kind, path in paths.items():
            if not path and kind not in ("cgroup", "time"):
                flags |= ns.ALL_FLAGS[kind]
        new_clocks = "time" in paths and not paths["time"]
        joins = [kind for kind, path in paths.items() if path and kind != "mount"]
        if not (paths.get("pid") or new_clocks or ("user" in paths and joins)):
            pid, descriptor = ns.clone3(flags, cgroup=self._group)
            if pid == 0:
                self._be_init(ours, theirs, trees)
            return pid, descriptor
        try:
            return stage.born(
                lambda: join_for_children(paths, self._linux, new_clocks=new_clocks),
                lambda: self._be_init(ours, theirs, trees),
                flags=flags,
                cgroup=self._group,
            )
        except stage.StageFailed as error:
            raise StartFailed(f"join namespaces: {error}") from error

    def _be_init(
        self, ours: _socket.socket, theirs: _socket.socket, trees: dict[str, int]
    ) -> NoReturn:
        ours.close()
        assert self._listener is not None  # made before
        init.run(
            theirs,
            None if (self._spec.get("process") or {}).get("terminal") else (0, 1, 2),
            lambda: plan.compile(
                self.request,
                self._host,
                self._fds,
                seccomp=self._filter,
                trees=trees,
            ),
            listener=self._listener.fileno(),
            stone=self._stone,
        )

    # -- on its way ----------------------------------------------------------------------------

    def _settle(self, connection: _socket.socket) -> None:
        """What init in a user namespace has no right to do for itself."""
        pid = self.state["pid"]
        users = parent_mounts.user_namespace_path(self._linux)
        adjustment = (self._spec.get("process") or {}).get("oomScoreAdj")
        if users is not None:
            if adjustment is not None:
                with open(f"/proc/{pid}/oom_score_adj", "w") as file:
                    file.write(str(adjustment))
            connection.send(GO_ON if self._write_maps(users) else DENIED)
        if self._linux.get("intelRdt"):
            from lading.kernel import resctrl

            self.state["intel_rdt"] = resctrl.apply(self._linux["intelRdt"], self.entry.id, pid)
            self.entry.write(self.state)

    def _write_maps(self, path: str) -> bool:
        """Whether its processes may call setgroups."""
        if path:
            with open(f"/proc/{self.state['pid']}/setgroups") as file:
                return file.read().strip() == "allow"
        uids = parent_mounts.triples(self._linux.get("uidMappings"))
        gids = parent_mounts.triples(self._linux.get("gidMappings"))
        if not (uids and gids):
            return False  # the plan refuses it
        return idmap.write_maps(self.state["pid"], uids, gids)

    def _converse(self, connection: _socket.socket) -> None:
        """Answer init until it waits for its start. Raises StartFailed, HookFailed."""
        while True:
            message, fds = messages.receive(connection)
            if message is None:
                raise StartFailed(self._last_words())
            if "failed" in message:
                raise StartFailed(message["failed"]["message"])
            if "ask" in message:
                self._run_hooks()
                connection.send(GO_ON)
            elif "created" in message:
                return
            else:
                self.warnings += message.get("warnings") or []
                self.master = fds[0] if fds else -1

    def _hear_out(self, connection: _socket.socket) -> None:
        """We could not do our part: because init is dead, and it says why, or init waits in vain.

        Raises StartFailed in the first case.
        """
        was_dead = pidfd.is_dead(self.pidfd)
        pidfd.kill(self.pidfd)
        while (message := messages.receive(connection)[0]) is not None:
            if "failed" in message:
                raise StartFailed(message["failed"]["message"])
        if was_dead:
            raise StartFailed(self._last_words())

    def _last_words(self) -> str:
        """Of an init that ended without a word: killed, most likely for want of memory."""
        _, status = os.waitpid(self.state["pid"], 0)
        code = os.waitstatus_to_exitcode(status)
        self.state["pid"] = 0
        if code == -SIGKILL:
            return "container init was OOM-killed (memory limit too low?)"
        return f"container init ended unexpectedly: {code}"

    def _run_hooks(self) -> None:
        asked = self._spec.get("hooks") or {}
        state = hooks.encode_state(self.request["state"], self.state["pid"], "creating")
        for kind in ("prestart", "createRuntime"):
            hooks.run(asked.get(kind) or [], kind, state, self.state["bundle"])

    # -- back ----------------------------------------------------------------------------------

    def undo(self) -> None:
        """A start that failed leaves nothing."""
        if self._cgroup is not None:
            self._cgroup.born()
        if self.pidfd >= 0:
            pidfd.kill(self.pidfd)
            if self.state["pid"]:
                os.waitpid(self.state["pid"], 0)
        group = store.cgroup(self.state)
        if group is not None and self.pidfd >= 0 and not self.state["is_shared"]:
            group.kill()
            group.remove()
        elif group is not None and not self._had_cgroup:
            store.remove_if_empty(group)
        if self._directory >= 0:
            self.entry.forget()
