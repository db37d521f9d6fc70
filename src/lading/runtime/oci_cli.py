"""The OCI runtime command line on the same code: what containerd, podman and dockerd call.

There is no spawner here: `create` forks the monitor itself, which keeps the container waiting
before execve until `start`. Stdio is the caller's own; a terminal goes to the console socket.
State is below --root, one directory a container: see `rundir`.

Not there yet: hooks, user namespaces, pause, resume, ps, update, events, checkpoint.
"""

from __future__ import annotations

import _socket
import argparse
import json
import os
import signal
import sys
import time

from lading.errors import Conflict, InvalidArgument, LadingError, NotFound
from lading.kernel import capabilities, pidfd
from lading.runtime import client, messages, mount_options, oci_templates, plan, rundir, spawner
from lading.runtime.head import head_of, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lading.runtime.messages import Message
    from lading.runtime.spec import Request

DEFAULT_ROOT = "/run/lading/oci"
OCI_VERSION = "1.2.0"
DELETE_WAIT_S = 5.0


# the texts of these are what containerd and podman look for
class NoSuchContainer(NotFound):
    """container {0!r} does not exist"""


class ContainerExists(Conflict):
    """container with id exists: {0}"""


class NotRunning(Conflict):
    """container not running"""


class StillRunning(Conflict):
    """cannot delete container {0} that is not stopped: {1}"""


class StartFailed(LadingError):
    """{0}"""


def main(arguments: list[str]) -> int:
    """Run one verb; its exit status. Errors go to stderr, and as a line to --log."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.verb(options)
    except (LadingError, OSError, ValueError) as error:
        _log(options, str(error))
        print(f"lading-runtime: {error}", file=sys.stderr)
        return 1
    return status


def _log(options: argparse.Namespace, text: str) -> None:
    if not options.log:
        return
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = f'time="{now}" level=error msg={json.dumps(text)}'
    if options.log_format == "json":
        line = json.dumps({"level": "error", "msg": text, "time": now})
    with open(options.log, "a") as log:
        log.write(line + "\n")


# -- create, start, run ----------------------------------------------------------------------------


def create(options: argparse.Namespace) -> int:
    _create(options).close()
    return 0


def start(options: argparse.Namespace) -> int:
    connection = _connect(options, options.id)
    _start(connection)
    connection.close()
    return 0


def run(options: argparse.Namespace) -> int:
    """create, start, wait and delete; signals are handed on."""
    connection = _create(options)
    _start(connection)
    if options.detach:
        return 0
    process = _state_record(options, options.id)["pid"]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda received, _: os.kill(process, received))
    exited = _wait(connection, "exited")
    _wait_closed(connection)
    if not options.keep:
        _remove(options, options.id)
    return int(exited["exit_code"])


def _create(options: argparse.Namespace) -> _socket.socket:
    """Fork the monitor and wait until the container stands before its start."""
    bundle = os.path.abspath(options.bundle)
    request = _request(options, bundle)
    directory = request["directory"]
    try:
        os.makedirs(directory, 0o700)
    except FileExistsError:
        raise ContainerExists(options.id) from None
    fds = [0, 1, 2]
    if options.console_socket:
        console = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        console.connect(options.console_socket)
        fds.append(console.detach())
        request["fds"]["console"] = 3
    try:
        return _fork_monitor(options, request, fds, bundle)
    except (LadingError, OSError):
        _remove(options, options.id)
        raise


def _fork_monitor(
    options: argparse.Namespace, request: Request, fds: list[int], bundle: str
) -> _socket.socket:
    datagram = join(head_of(request), request)
    ours, theirs = messages.pair()
    host = plan.read_host()
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    own = client.monitor_descriptors(request["directory"], theirs.detach())
    given = [os.dup(fd) for fd in fds]  # 0-2 become the monitor's own /dev/null
    spawner.spawn_one(datagram, [*own, *given], host, null)
    for descriptor in [*own, *given, null]:
        os.close(descriptor)
    pid = _wait(ours, "created")["pid"]
    record = {"bundle": bundle, "annotations": request["spec"].get("annotations") or {}}
    descriptor = os.open(request["directory"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    rundir.write(descriptor, rundir.OCI, record)
    os.close(descriptor)
    _write_pid(options.pid_file, pid)
    return ours


def _request(options: argparse.Namespace, bundle: str) -> Request:
    """The spawn request of a bundle: gated, with the caller's stdio, its root made absolute."""
    if "/" in options.id or options.id in ("", ".", ".."):
        raise InvalidArgument(f"invalid container id: {options.id!r}")
    path = options.config or f"{bundle}/config.json"
    with open(path) as file:
        spec = json.load(file)
    root = spec.setdefault("root", {})
    root["path"] = os.path.join(bundle, root.get("path") or "rootfs")
    linux = spec.setdefault("linux", {})
    linux["cgroupsPath"] = os.path.normpath("/" + (linux.get("cgroupsPath") or options.id))
    terminal = bool((spec.get("process") or {}).get("terminal"))
    return {
        "id": options.id,
        "directory": client.run_directory(options.root, options.id),
        "spec": spec,
        "overlay": None,
        "log": None,
        "stdin": False,
        "seccomp_filter": None,
        "fds": {"stdio": None if terminal else [0, 1, 2]},
        "gate": True,
    }


def _start(connection: _socket.socket) -> None:
    messages.send(connection, {"op": "start", "seq": 1})
    _wait(connection, "started")


def _wait(connection: _socket.socket, event: str) -> Message:
    """The next event of that name. Raises StartFailed with the reason, or when nothing comes."""
    while True:
        message, _ = messages.receive(connection)
        if message is None:
            raise StartFailed("the monitor ended")
        if message.get("event") == "failed" or message.get("error"):
            raise StartFailed(message["error"]["message"])
        if message.get("event") == event:
            return message


def _wait_closed(connection: _socket.socket) -> None:
    while messages.receive(connection)[0] is not None:
        continue


def _write_pid(path: str | None, pid: int) -> None:
    if path:
        with open(path + ".tmp", "w") as file:
            file.write(str(pid))
        os.rename(path + ".tmp", path)


# -- state, kill, delete, list ---------------------------------------------------------------------


def state(options: argparse.Namespace) -> int:
    print(json.dumps(_describe(options, options.id), indent=2))
    return 0


def kill(options: argparse.Namespace) -> int:
    """Signal init; a stopped container is an error, as in runc."""
    record = _state_record(options, options.id)
    try:
        process = pidfd.open_started(record["pid"], record["start_time"])
        pidfd.pidfd_send_signal(process, _signal_number(options.signal))
    except ProcessLookupError:
        raise NotRunning() from None
    os.close(process)
    return 0


def delete(options: argparse.Namespace) -> int:
    try:
        status = _describe(options, options.id)["status"]
    except NoSuchContainer:
        if options.force:
            return 0
        raise
    if status != "stopped" and not options.force:
        raise StillRunning(options.id, status)
    _remove(options, options.id)
    return 0


def list_containers(options: argparse.Namespace) -> int:
    try:
        names = sorted(os.listdir(f"{options.root}/containers"))
    except FileNotFoundError:
        names = []
    if options.quiet:
        print("\n".join(names))
    elif options.format == "json":
        print(json.dumps([_describe(options, name) for name in names]))
    else:
        print(f"{'ID':<20} {'PID':<10} {'STATUS':<10} BUNDLE")
        for name in names:
            found = _describe(options, name)
            print(f"{name:<20} {found['pid']:<10} {found['status']:<10} {found['bundle']}")
    return 0


def _remove(options: argparse.Namespace, name: str) -> None:
    record = rundir.read(client.run_directory(options.root, name), rundir.STATE) or {}
    client.clean(options.root, name, record.get("cgroup_path") or "")


def _state_record(options: argparse.Namespace, name: str) -> dict[str, Any]:
    record = rundir.read(client.run_directory(options.root, name), rundir.STATE)
    if record is None:
        raise NoSuchContainer(name)
    return record


def _describe(options: argparse.Namespace, name: str) -> dict[str, Any]:
    """The state document of the standard (runtime.md, "State")."""
    directory = client.run_directory(options.root, name)
    record = _state_record(options, name)
    own = rundir.read(directory, rundir.OCI) or {"bundle": "", "annotations": {}}
    status, pid = _status(options, name, record)
    return {"ociVersion": OCI_VERSION, "id": name, "status": status, "pid": pid, **own}


def _status(options: argparse.Namespace, name: str, record: dict[str, Any]) -> tuple[str, int]:
    try:
        os.close(pidfd.open_started(record["pid"], record["start_time"]))
        connection = _connect(options, name)
    except (ProcessLookupError, LadingError):
        return "stopped", 0
    messages.send(connection, {"op": "state", "seq": 1})
    answer, _ = messages.receive(connection)
    connection.close()
    return (answer["status"], record["pid"]) if answer else ("stopped", 0)


def _connect(options: argparse.Namespace, name: str) -> _socket.socket:
    try:
        return messages.adopt(client.connect(options.root, name))
    except OSError:
        _state_record(options, name)  # says whether there is one at all
        raise NotRunning() from None


def _signal_number(text: str) -> int:
    if text.isdigit():
        return int(text)
    name = "SIG" + text.upper().removeprefix("SIG")
    if name not in signal.Signals.__members__:
        raise InvalidArgument(f"unknown signal {text!r}")
    return signal.Signals[name].value


# -- exec ------------------------------------------------------------------------------------------


def execute(options: argparse.Namespace) -> int:
    """One more process; its exit code unless --detach."""
    process = _exec_process(options)
    connection = _connect(options, options.id)
    fds = [] if process.get("terminal") else [0, 1, 2]
    request = {"op": "exec", "seq": 1, "exec_id": f"cli{os.getpid()}", "process": process}
    messages.send(connection, request, fds)
    reply, got = messages.receive(connection)
    if reply is None or reply.get("error"):
        raise StartFailed(reply["error"]["message"] if reply else "container not running")
    if got:
        _give_console(options.console_socket, got[0])
    _write_pid(options.pid_file, reply["pid"])
    if options.detach:
        return 0
    while True:
        event = _wait(connection, "exec_exited")
        if event["exec_id"] == request["exec_id"]:
            return int(event["exit_code"])


def _exec_process(options: argparse.Namespace) -> dict[str, Any]:
    """The process of --process, or of the flags with the bundle's own as a base."""
    if options.process:
        with open(options.process) as file:
            found: dict[str, Any] = json.load(file)
        return found
    bundle = _describe(options, options.id)["bundle"]
    with open(f"{bundle}/config.json") as file:
        process: dict[str, Any] = json.load(file)["process"]
    process |= {"args": options.command, "terminal": options.tty}
    process["env"] = [*process.get("env", []), *options.env]
    process["cwd"] = options.cwd or process.get("cwd") or "/"
    if options.user:
        uid, _, gid = options.user.partition(":")
        process["user"] = {"uid": int(uid), "gid": int(gid or 0)}
    return process


def _give_console(path: str | None, master: int) -> None:
    if not path:
        raise InvalidArgument("a terminal needs --console-socket")
    console = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    console.connect(path)
    messages.send_raw(console, b"pty", [master])
    console.close()
    os.close(master)


# -- spec, features, plan --------------------------------------------------------------------------


def write_spec(options: argparse.Namespace) -> int:
    with open(f"{options.bundle}/config.json", "x") as file:
        json.dump(oci_templates.spec(), file, indent=2)
    return 0


def features(_options: argparse.Namespace) -> int:
    print(json.dumps(oci_templates.features(mount_options.words(), capabilities.known()), indent=2))
    return 0


def show_plan(options: argparse.Namespace) -> int:
    """What `create` would do, step by step."""
    options.id = options.id or "plan"
    request = _request(options, os.path.abspath(options.bundle))
    print(plan.describe(plan.compile(request, plan.read_host(), [0, 1, 2])))
    return 0


# -- command line ----------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "lading-runtime",
        description="OCI runtime of Lading",
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the lines of --version
    )
    parser.add_argument("--version", "-v", action="version", version=oci_templates.version())
    parser.add_argument("--root", default=DEFAULT_ROOT, help="where containers' state is kept")
    parser.add_argument("--log", help="file that errors are appended to")
    parser.add_argument("--log-format", choices=["text", "json"], default="text")
    for flag in ("--debug", "--systemd-cgroup"):
        parser.add_argument(flag, action="store_true", help="accepted, without effect")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, verb in (("create", create), ("run", run)):
        made = _verb(verbs, name, verb)
        made.add_argument("--bundle", "-b", default=".")
        made.add_argument("--config", "-f")
        made.add_argument("--console-socket")
        made.add_argument("--pid-file")
        for flag in ("--no-pivot", "--no-new-keyring", "--no-subreaper"):
            made.add_argument(flag, action="store_true", help="accepted, without effect")
        made.add_argument("--detach", "-d", action="store_true")
        made.add_argument("--keep", action="store_true")
        made.add_argument("id")
    for name, verb in (("start", start), ("state", state)):
        _verb(verbs, name, verb).add_argument("id")
    killer = _verb(verbs, "kill", kill)
    killer.add_argument("--all", "-a", action="store_true", help="accepted: init takes all along")
    killer.add_argument("id")
    killer.add_argument("signal", nargs="?", default="TERM")
    remover = _verb(verbs, "delete", delete)
    remover.add_argument("--force", "-f", action="store_true")
    remover.add_argument("id")
    lister = _verb(verbs, "list", list_containers)
    lister.add_argument("--quiet", "-q", action="store_true")
    lister.add_argument("--format", "-f", choices=["table", "json"], default="table")
    _verb(verbs, "spec", write_spec).add_argument("--bundle", "-b", default=".")
    _verb(verbs, "features", features)
    planner = _verb(verbs, "plan", show_plan)
    planner.add_argument("bundle", nargs="?", default=".")
    planner.add_argument("--id", default="")
    planner.set_defaults(config=None)
    _exec_verb(_verb(verbs, "exec", execute))
    return parser


def _verb(verbs: Any, name: str, function: Callable[..., int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=(function.__doc__ or "").strip())
    parser.set_defaults(verb=function)
    return parser


def _exec_verb(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--process", "-p", help="file with the OCI process")
    parser.add_argument("--console-socket")
    parser.add_argument("--pid-file")
    parser.add_argument("--detach", "-d", action="store_true")
    parser.add_argument("--tty", "-t", action="store_true")
    parser.add_argument("--env", "-e", action="append", default=[])
    parser.add_argument("--cwd")
    parser.add_argument("--user", "-u")
    parser.add_argument("id")
    parser.add_argument("command", nargs=argparse.REMAINDER)
