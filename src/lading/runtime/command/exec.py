"""exec: one more process in a running container.

It is a child of this command, born in the container's pid namespace, and joins the rest by itself.
Nothing of the container's is run or loaded before execve; see `sealing`.
"""

from __future__ import annotations

import os

from lading.errors import Conflict, InvalidArgument
from lading.kernel import capabilities, pidfd, process
from lading.kernel import namespaces as ns
from lading.runtime import init, json_text, messages, plan
from lading.runtime.command import filter_cache, sockets, stage, starting, store
from lading.runtime.command.callers import BadTerminal, forward_signals, open_descriptors
from lading.runtime.operations.user_namespace import ArriveInUserNamespace
from lading.runtime.planning.process import Finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable
    from typing import Any, NoReturn

    from lading.kernel.cgroup import Hierarchies
    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation
    from lading.runtime.command.store import State
    from lading.runtime.operations.step import Operation
    from lading.runtime.spec import Process, Spec

WRITE = os.O_WRONLY | os.O_CLOEXEC
JOINED = ("user", "mount", "ipc", "uts", "network", "cgroup", "time")
PROC_NAMES = {"mount": "mnt", "network": "net"}


class CannotExec(Conflict):
    """cannot exec in a {0} container"""


class BadGroup(InvalidArgument):
    """bad sub cgroup path: {0}"""


class BadUser(InvalidArgument):
    """parsing {0!r} as uid[:gid]: not a number"""


def execute(invocation: Invocation, options: Options) -> int:
    """Run it; its exit code unless --detach."""
    entry = invocation.entry(options)
    state = entry.read()
    status = store.status(entry, state)
    if status == "stopped":
        raise CannotExec("stopped")
    if status == "paused" and not options.switch("ignore-paused"):
        raise CannotExec("paused container (use --ignore-paused to override); not a running")
    spec = entry.spec()
    asked = process_of(options, spec)
    if status == "created" and not state["is_sealed"] and _may_trace(asked):
        raise CannotExec("created container with CAP_SYS_PTRACE (start it first); not a running")
    detach = options.switch("detach")
    if detach and asked.get("terminal") and not options.text("console-socket"):
        raise BadTerminal("cannot allocate tty if runc will detach without setting console socket")
    if options.text("console-socket") and not (detach and asked.get("terminal")):
        raise BadTerminal("cannot use console socket if runc will not detach or allocate tty")
    child = Joined(invocation.root, state, spec, asked, options)
    child.start()
    for step in ("nsexec container setup", "child process in init()", "setns_init: about to exec"):
        invocation.debug(f"{step}: pid {child.pid}")
    if child.master >= 0 and detach:
        sockets.give_console(options.text("console-socket"), child.master)
    if options.text("pidfd-socket"):
        sockets.send(options.text("pidfd-socket"), b"pidfd", [child.pidfd])
    sockets.write_pid(options.text("pid-file"), child.pid)
    return 0 if detach else child.wait()


class Joined:
    """The process on its way into the container."""

    def __init__(
        self, root: str, state: State, spec: Spec, asked: Process, options: Options
    ) -> None:
        self._root = root
        self.pid = self.pidfd = self.master = -1
        self._state = state
        self._spec = spec
        self._asked = asked
        self._options = options
        self._preserved = open_descriptors(options.number("preserve-fds"))
        self._container = store.open_init(state)

    def start(self) -> None:
        """Returns when the program runs. Raises StartFailed."""
        host = plan.read_whole_host()
        joined = _joined_flags(self._state["pid"])
        finish = self._finish()
        files, v2_directory = open_groups(
            self._state["cgroup_path"], self._options.several("cgroup"), host.trees
        )
        ours, theirs = messages.pair()
        if not joined & ns.CLONE_NEWUSER:  # there it would take its own files in /proc from it
            process.prctl(process.PR_SET_DUMPABLE, 0)
        arrival: list[Operation] = []
        born = self._born
        if os.geteuid() != 0 and joined & ns.CLONE_NEWUSER:
            # a plain user may join the others only from inside of the user namespace
            joined &= ~ns.CLONE_NEWUSER
            arrival.append(ArriveInUserNamespace())
            born = self._born_by_stage

        def be_the_child() -> NoReturn:
            ours.close()
            init.run(
                theirs,
                None if self._asked.get("terminal") else (0, 1, 2),
                lambda: [
                    *arrival,
                    *plan.compile_exec(
                        self._asked,
                        host,
                        cgroup_path=self._state["cgroup_path"],
                        cgroup_files=files,
                        pidfd=self._container,
                        seccomp=finish.seccomp,
                        joined=joined,
                        finish=finish,
                    ),
                ],
            )

        self.pid, self.pidfd = born(be_the_child, v2_directory)
        theirs.close()
        self._converse(ours)

    def _born(self, child: Callable[[], NoReturn], cgroup: int | None) -> tuple[int, int]:
        ns.setns(self._container, ns.CLONE_NEWPID)
        pid, descriptor = ns.clone3(0, cgroup=cgroup)
        if pid == 0:
            child()
        return pid, descriptor

    def _born_by_stage(self, child: Callable[[], NoReturn], cgroup: int | None) -> tuple[int, int]:
        """A process in between joins, for we stay; the child is ours all the same."""
        joined = ns.CLONE_NEWUSER | ns.CLONE_NEWPID
        try:
            return stage.born(
                lambda: ns.setns(self._container, joined), child, flags=0, cgroup=cgroup
            )
        except stage.StageFailed as error:
            raise starting.StartFailed(f"exec failed: join user namespace: {error}") from error

    def _finish(self) -> Finish:
        linux = self._spec.get("linux") or {}
        is_mapped = any(n["type"] == "user" for n in linux.get("namespaces") or [])
        profile = linux.get("seccomp") or {}
        machine = os.uname().machine
        finish = Finish(filter_cache.program(self._root, profile, machine), None)
        finish.outlives = True
        if not is_mapped:
            finish.grantable = capabilities.to_mask(capabilities.available())
        finish.preserved = self._preserved
        for key in ("personality", "landlock"):
            if linux.get(key):
                finish.extra[key] = linux[key]
        if profile:
            from lading.runtime.planning import rare

            finish.gate = True  # the listener is handed on by us
            rare.set_filter_flags(finish, profile)
            finish.gate = False
        return finish

    def _converse(self, connection: _socket.socket) -> None:
        failure = None
        while True:
            message, fds = messages.receive(connection)
            if message is None:
                break
            if "listener" in message:
                starting.hand_listener(self.pidfd, message["listener"], self._state, self._spec)
                connection.send(starting.GO_ON)
            failure = message.get("failed", failure)
            self.master = fds[0] if fds else self.master
        connection.close()
        if failure is not None:
            os.waitpid(self.pid, 0)
            raise starting.StartFailed(f"exec failed: {failure['message']}")

    def wait(self) -> int:
        """Hand signals on, and the terminal, until it ends; its exit code."""
        relay = None
        if self.master >= 0:
            from lading.runtime.command.terminal import Relay

            relay = Relay(self.master)
        forward_signals(self._forward, relay)
        try:
            if relay is not None:
                relay.run(self.pid)
            _, status = os.waitpid(self.pid, 0)
        finally:
            if relay is not None:
                relay.restore()
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def _forward(self, number: int) -> None:
        try:
            pidfd.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return


def _must_be(directory: str) -> None:
    if not os.path.isdir(directory):
        file = f"{directory}/cgroup.procs"
        raise BadGroup(f"adding pid {os.getpid()}: open {file}: no such file or directory")


def open_groups(base: str, asked: list[str], trees: Hierarchies) -> tuple[list[int], int | None]:
    """The `tasks` files of v1 and the v2 directory to be born in.

    `asked` are groups below the container's, each for all trees or for [controller,...:]path. One
    that a tree does not have is left out there, but some tree must have it.
    """
    below: dict[str, str] = {}
    for text in asked:
        names, _, path = text.rpartition(":")
        if ".." in path.split("/"):
            raise BadGroup(f"{path} is not a sub cgroup path: `..` components are not allowed")
        for controller in names.split(",") if names else [*trees.v1, ""]:
            if controller and controller not in trees.v1:
                raise BadGroup(f"unknown controller {controller} in --cgroup {text}")
            below[controller] = os.path.normpath("/" + path).rstrip("/")
            if names:
                _must_be(trees.v1[controller] + base + below[controller])
    places = {mount: "" for mount in trees.v1_trees()}
    for controller, mount in trees.v1.items():
        places[mount] = below.get(controller, places[mount])
    if trees.v2 is not None:
        places[trees.v2] = below.get("", "")
    found = {mount: path for mount, path in places.items() if os.path.isdir(mount + base + path)}
    if not base:
        return [], None
    if any(places.values()) and not any(found.values()):
        _must_be(next(mount + base + path for mount, path in places.items() if path))
    directories = [mount + base + found.get(mount, "") for mount in places]
    files = [os.open(f"{d}/tasks", WRITE) for d in directories[: len(trees.v1_trees())]]
    if trees.v2 is None:
        return files, None
    return files, os.open(directories[-1], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _joined_flags(pid: int) -> int:
    """The namespaces in which the container is and we are not; joining our own would fail."""
    flags = 0
    for kind in JOINED:
        name = PROC_NAMES.get(kind, kind)
        try:
            if os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"):
                flags |= ns.ALL_FLAGS[kind]
        except FileNotFoundError:  # this kernel has none of the kind
            continue
    return flags


def _may_trace(asked: Process) -> bool:
    """Whether it could reach the interpreter in which init waits for its start."""
    sets: dict[str, list[str]] = dict(asked.get("capabilities") or {})  # type: ignore[arg-type]
    return any("CAP_SYS_PTRACE" in (names or []) for names in sets.values())


def process_of(options: Options, spec: Spec) -> Process:
    """The process of --process, or of the flags with the bundle's own as a base."""
    if options.text("process"):
        with open(options.text("process"), "rb") as file:
            found: Process = json_text.decode(file.read().decode())
        return found
    asked: Process = {**spec["process"]}
    if not options.words[1:]:
        raise InvalidArgument("exec needs a command or --process")
    asked["args"] = options.words[1:]
    asked["terminal"] = options.switch("tty")
    asked["env"] = [*(asked.get("env") or []), *options.several("env")]
    if options.text("cwd"):
        asked["cwd"] = options.text("cwd")
    if options.switch("no-new-privs"):
        asked["noNewPrivileges"] = True
    if options.text("apparmor"):
        asked["apparmorProfile"] = options.text("apparmor")
    if options.text("process-label"):
        asked["selinuxLabel"] = options.text("process-label")
    if options.several("cap"):
        _add_capabilities(asked, options.several("cap"))
    _set_user(asked, options)
    return asked


def _add_capabilities(asked: Process, names: list[str]) -> None:
    """Never to the inheritable set (CVE-2022-29162); to the ambient one if they are in that."""
    known = [capabilities.normalize(name, option="--cap") for name in names]
    sets: dict[str, Any] = dict(asked.get("capabilities") or {})
    for kind in ("bounding", "effective", "permitted"):
        sets[kind] = [*(sets.get(kind) or []), *known]
    inherited = [name for name in known if name in (sets.get("inheritable") or [])]
    sets["ambient"] = [*(sets.get("ambient") or []), *inherited]
    asked["capabilities"] = sets  # type: ignore[typeddict-item]


def _set_user(asked: Process, options: Options) -> None:
    user: dict[str, Any] = dict(asked.get("user") or {})
    if options.text("user"):
        uid, colon, gid = options.text("user").partition(":")
        user["uid"] = _number(uid, options.text("user"))
        if colon:
            user["gid"] = _number(gid, options.text("user"))
    if options.several("additional-gids"):
        more = [_number(gid, gid) for gid in options.several("additional-gids")]
        user["additionalGids"] = [*(user.get("additionalGids") or []), *more]
    asked["user"] = user  # type: ignore[typeddict-item]


def _number(text: str, whole: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadUser(whole)
    return int(text)
