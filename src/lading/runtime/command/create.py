"""create and run."""

from __future__ import annotations

import os
import time

from lading.errors import InvalidArgument, LadingError
from lading.runtime import json_text, plan, sealing, stepping_stone
from lading.runtime.command import launch, sockets, starting, store
from lading.runtime.command.callers import BadTerminal, forward_signals, open_descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation
    from lading.runtime.command.store import Entry, State
    from lading.runtime.command.terminal import Relay
    from lading.runtime.spec import Mount, Request, Spec


def create(invocation: Invocation, options: Options) -> int:
    """Set a container up to the point of executing its program."""
    entry, bundle = _where(invocation, options)
    _create(invocation, options, entry, bundle, detach=True)
    return 0


def run(invocation: Invocation, options: Options) -> int:
    """create and start; unless --detach, wait for the end and delete."""
    detach = options.switch("detach")
    entry, bundle = _where(invocation, options)
    made = _create(invocation, options, entry, bundle, detach=detach)
    state, spec = made.state, entry.spec()
    terminal = None
    if made.master >= 0 and not detach:
        from lading.runtime.command.terminal import Relay

        terminal = Relay(made.master)
    try:
        starting.start_container(invocation, entry, state, spec)
        if detach:
            return 0
        code = wait(state, terminal)
    except starting.StartFailed:
        from lading.runtime.command import ending

        ending.remove(invocation, entry, state)
        raise
    finally:
        if terminal is not None:
            terminal.restore()
    if not options.switch("keep"):
        from lading.runtime.command import ending

        ending.remove(invocation, entry, state)
    return code


def _where(invocation: Invocation, options: Options) -> tuple[Entry, str]:
    return invocation.entry(options), os.path.abspath(options.text("bundle", "."))


def _create(
    invocation: Invocation, options: Options, entry: Entry, bundle: str, *, detach: bool
) -> launch.Launch:
    notify = os.environ.get("NOTIFY_SOCKET", "")
    given = open_descriptors(options.number("preserve-fds") + _passed_sockets())
    spec = read_spec(os.path.join(bundle, options.text("config", "config.json")))
    stone = _enter(spec)
    _check_terminal(spec, options, detach=detach)
    os.umask(0o022)  # groups are for all to see; what is secret has its own mode
    state = new_state(invocation, entry, bundle, spec)
    state["is_sealed"] = stone < 0
    _pass_sockets(spec)
    if notify:
        _add_notify(spec, entry)
    request: Request = {
        "id": entry.id,
        "directory": spec["root"]["path"],  # hooks look for mounts below it
        "spec": spec,
        "overlay": None,
        "log": None,
        "stdin": False,
        "seccomp_filter": None,
        "fds": {},
        "gate": True,
        "preserved": given,
        "keep_keyring": options.switch("no-new-keyring"),
        "state": store.document(state, "creating"),
    }
    made = launch.Launch(
        entry, request, state, plan.read_whole_host(), notifies=bool(notify), stone=stone
    )
    try:
        made.create()
        _tell_stages(invocation, made)
        invocation.warn(made.warnings)
        _hand_out(options, made)
    except (LadingError, OSError, ValueError, KeyError):
        made.undo()
        raise
    return made


def _enter(spec: Spec) -> int:
    """Be fit to enter a container: sealed, or with a stepping stone, which is returned, or -1."""
    if sealing.is_sealed() or os.geteuid() != 0:
        return -1
    machine = os.uname().machine
    stone = stepping_stone.make(machine) if stepping_stone.suits(spec, machine) else -1
    if stone < 0:
        sealing.seal()
    return stone


def _tell_stages(invocation: Invocation, made: launch.Launch) -> None:
    """For --debug, in the words of runc's log, which people search for."""
    kinds = [n["type"] for n in made.namespaces]
    invocation.debug(f"nsexec container setup: namespaces {' '.join(kinds)}")
    invocation.debug(f"child process in init(): pid {made.state['pid']}")
    invocation.debug("init: closing the pipe to signal completion: it waits for its start")


def _hand_out(options: Options, made: launch.Launch) -> None:
    if made.master >= 0 and options.text("console-socket"):
        sockets.give_console(options.text("console-socket"), made.master)
    if options.text("pidfd-socket"):
        sockets.send(options.text("pidfd-socket"), b"pidfd", [made.pidfd])
    sockets.write_pid(options.text("pid-file"), made.state["pid"])


def read_spec(path: str) -> Spec:
    """The bundle's config.json, checked for what nothing can be done without."""
    try:
        with open(path, "rb") as file:
            spec = json_text.decode(file.read().decode())
    except FileNotFoundError:
        raise InvalidArgument(
            f"JSON specification file {os.path.basename(path)} not found"
        ) from None
    if not isinstance(spec, dict):
        raise InvalidArgument(f"{path} is not a JSON object")
    version = spec.get("ociVersion")
    if not version:
        raise InvalidArgument("unsupported spec: ociVersion is missing")
    if not str(version).startswith("1."):
        raise InvalidArgument(f"unsupported spec version: {version}")
    if not spec.get("process"):
        raise InvalidArgument("process property must not be empty")
    if not spec.get("linux"):
        spec["linux"] = {}
    found: Spec = spec  # type: ignore[assignment]  # the plan looks at every part
    return found


def _check_terminal(spec: Spec, options: Options, *, detach: bool) -> None:
    has_terminal = bool((spec.get("process") or {}).get("terminal"))
    has_socket = bool(options.text("console-socket"))
    if detach and has_terminal and not has_socket:
        raise BadTerminal("cannot allocate tty if runc will detach without setting console socket")
    if has_socket and not (detach and has_terminal):
        raise BadTerminal("cannot use console socket if runc will not detach or allocate tty")


def new_state(invocation: Invocation, entry: Entry, bundle: str, spec: Spec) -> State:
    root = spec.setdefault("root", {})
    root["path"] = os.path.realpath(os.path.join(bundle, root.get("path") or "rootfs"))
    if not os.path.isdir(root["path"]):
        raise InvalidArgument(f"invalid rootfs: stat {root['path']}: no such directory")
    for listed in spec.get("mounts") or []:
        _locate(listed, bundle, root["path"])
    linux = spec.setdefault("linux", {})
    if invocation.systemd:
        from lading.kernel.cgroup import systemd

        systemd.require()
    path = cgroup_path(linux.get("cgroupsPath") or "", entry.id, systemd=invocation.systemd)
    linux["cgroupsPath"] = path
    resources: dict[str, Any] = linux.setdefault("resources", {})
    now = time.time_ns()
    return {
        "id": entry.id,
        "pid": 0,
        "start_time": 0,
        "bundle": bundle,
        "rootfs": root["path"],
        "annotations": spec.get("annotations") or {},
        "created": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9))
        + f".{now % 10**9:09d}Z",
        "owner": os.getuid(),
        "cgroup_path": path,
        "is_shared": False,
        "systemd": invocation.systemd,
        "is_sealed": True,
        "resources": {k: v for k, v in resources.items() if k != "devices"},
        "intel_rdt": "",
    }


def _locate(entry: Mount, bundle: str, root: str) -> None:
    """Sources are relative to the bundle; a destination may be written from the host's root."""
    is_bind = entry.get("type") == "bind" or {"bind", "rbind"} & set(entry.get("options") or [])
    if is_bind and entry.get("source"):
        entry["source"] = os.path.join(bundle, entry["source"])
    if entry["destination"].startswith(root.rstrip("/") + "/"):
        entry["destination"] = entry["destination"][len(root.rstrip("/")) :]


def cgroup_path(asked: str, name: str, *, systemd: bool) -> str:
    """From the root of the hierarchies; systemd's `slice:prefix:name` is a scope in its slice.

    Raises BadPath, BadSlice; DBusError, OSError when a plain user's systemd does not answer.
    """
    if not systemd:
        return os.path.normpath("/" + (asked or name).lstrip("/"))
    from lading.kernel.cgroup import systemd as driver

    return driver.root() + driver.path_of(asked, name=name)


def _passed_sockets() -> int:
    """How many descriptors the service manager gave us, man 3 sd_listen_fds."""
    text = os.environ.get("LISTEN_FDS", "")
    return int(text) if text.isdigit() else 0


def _pass_sockets(spec: Spec) -> None:
    """They are for the program, whose pid is 1."""
    if count := _passed_sockets():
        environment = spec["process"].setdefault("env", [])
        environment += [f"LISTEN_FDS={count}", "LISTEN_PID=1"]
        if os.environ.get("LISTEN_FDNAMES"):
            environment.append(f"LISTEN_FDNAMES={os.environ['LISTEN_FDNAMES']}")


def _add_notify(spec: Spec, entry: Entry) -> None:
    """A directory for the socket on which the program says that it is ready."""
    directory = f"{entry.directory}/{store.NOTIFY}"
    mount: Any = {
        "destination": "/run/notify",
        "type": "bind",
        "source": directory,
        "options": ["bind", "nosuid", "noexec", "nodev", "ro"],
    }
    spec.setdefault("mounts", []).append(mount)
    environment = spec["process"].setdefault("env", [])
    environment.append("NOTIFY_SOCKET=/run/notify/notify.sock")


def wait(state: State, terminal: Relay | None) -> int:
    """Until the program ends; signals are for it."""
    forward_signals(lambda number: _forward(state, number), terminal)
    if terminal is not None:
        terminal.run(state["pid"])
    _, status = os.waitpid(state["pid"], 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _forward(state: State, number: int) -> None:
    try:
        os.kill(state["pid"], number)  # our child, which nobody else can have reaped
    except ProcessLookupError:
        return
