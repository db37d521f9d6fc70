"""checkpoint and restore, which are criu's work: this finds it, tells it what and reads its answer.

criu is driven by its command line. Mounts of the container that come from outside are named to it,
so that a restore finds them again.
"""

from __future__ import annotations

import json
import os

from lading.errors import Conflict, InvalidArgument, LadingError, NotSupported
from lading.kernel import pidfd
from lading.runtime import rundir
from lading.runtime.command import create, ending, sockets, store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation
    from lading.runtime.command.store import State
    from lading.runtime.spec import Spec

DESCRIPTORS = "descriptors.json"  # what stdio was, as runc names the file
SWITCHES = ("tcp-established", "tcp-skip-in-flight", "ext-unix-sk", "shell-job", "file-locks")
CRIU_SWITCHES = {"tcp-skip-in-flight": "skip-in-flight"}


class NoCriu(NotSupported):
    """cannot find the criu program {0!r}: checkpoint and restore need it (package criu)"""


class CriuFailed(LadingError):
    """criu failed: {0}, see {1}"""


class NotRunningNow(Conflict):
    """container cannot be checkpointed while it is {0}"""


class BadParentPath(InvalidArgument):
    """{0}"""


def checkpoint(invocation: Invocation, options: Options) -> int:
    """Save a running container; it is ended unless --leave-running."""
    program = find_criu(invocation.criu)
    entry = invocation.entry(options)
    state = entry.read()
    status = store.status(entry, state)
    if status not in ("running", "paused"):
        raise NotRunningNow(status)
    spec = entry.spec()
    images = _images(options, make=True)
    _check_parent(options.text("parent-path"), images)
    pre_dump = options.switch("pre-dump")
    command = [program, "pre-dump" if pre_dump else "dump", "--tree", str(state["pid"])]
    command += _common(options, images, "dump.log")
    command += [f"--root={state['rootfs']}", *_freezer(state)]
    for mount in _external_mounts(spec):
        command += ["--external", f"mnt[{mount}]:{mount}"]
    if options.text("parent-path"):
        command += ["--prev-images-dir", options.text("parent-path"), "--track-mem"]
    if pre_dump:
        command.append("--track-mem")
    if options.switch("leave-running"):
        command.append("--leave-running")
    if options.switch("lazy-pages"):
        command += ["--lazy-pages", "--address", "0.0.0.0", "--port", "27"]
    links = [os.readlink(f"/proc/{state['pid']}/fd/{n}") for n in range(3)]
    _run(command, images, "dump.log")
    if not pre_dump:
        with open(f"{images}/{DESCRIPTORS}", "w") as file:
            json.dump(links, file)
    if not pre_dump and not options.switch("leave-running"):
        ending.remove(invocation, entry, state)
    return 0


def restore(invocation: Invocation, options: Options) -> int:
    """A container as it was saved, under a new life."""
    program = find_criu(invocation.criu)
    entry = invocation.entry(options)
    bundle = os.path.abspath(options.text("bundle", "."))
    config = os.path.join(bundle, options.text("config", "config.json"))
    spec = create.read_spec(config)
    images = _images(options, make=False)
    state = create.new_state(invocation, entry, bundle, spec)
    directory = entry.make()
    rundir.write(directory, store.CONFIG, dict(spec))
    os.close(directory)
    entry.write(state)
    try:
        state["pid"] = _restore(program, options, images, state, spec, entry.directory)
    except (LadingError, OSError):
        ending.remove(invocation, entry, state)
        raise
    state["start_time"] = pidfd.start_time(state["pid"])
    entry.write(state)
    sockets.write_pid(options.text("pid-file"), state["pid"])
    if options.switch("detach"):
        return 0
    code = create.wait(state, None)
    if not options.switch("keep"):
        ending.remove(invocation, entry, state)
    return code


def _restore(
    program: str, options: Options, images: str, state: State, spec: Spec, directory: str
) -> int:
    """criu makes the root's mount itself, at a place that must be a mount point: the pid."""
    from lading.kernel import mount, namespaces

    root = f"{directory}/{store.ROOT}"
    os.mkdir(root, 0o700)
    namespaces.unshare(namespaces.CLONE_NEWNS)  # the bind below is seen by us and criu alone
    mount.mount("none", "/", "", mount.MS_SLAVE | mount.MS_REC)
    mount.mount(state["rootfs"], root, "", mount.MS_BIND | mount.MS_REC)
    mount.mount("none", root, "", mount.MS_PRIVATE | mount.MS_REC)
    pid_file = f"{directory}/restored.pid"
    command = [program, "restore", *_common(options, images, "restore.log")]
    command += ["--restore-detached", "--restore-sibling", "--pidfile", pid_file]
    command += [f"--root={root}", "--mntns-compat-mode"]
    sources = {m["destination"]: m.get("source") or "" for m in spec.get("mounts") or []}
    for place in _external_mounts(spec):
        command += ["--external", f"mnt[{place}]:{sources[place]}"]
    with open(f"{images}/{DESCRIPTORS}") as file:
        links = json.load(file)
    for number, link in enumerate(links):
        if link.startswith("pipe:"):
            command += ["--inherit-fd", f"fd[{number}]:{link}"]
    _run(command, images, "restore.log")
    with open(pid_file) as file:
        pid = int(file.read())
    os.unlink(pid_file)
    return pid


def find_criu(name: str) -> str:
    """The program, by its name or path. Raises NoCriu."""
    if "/" in name:
        if os.access(name, os.X_OK):
            return name
        raise NoCriu(name)
    for directory in (*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/sbin"):
        if directory and os.access(f"{directory}/{name}", os.X_OK):
            return f"{directory}/{name}"
    raise NoCriu(name)


def _check_parent(path: str, images: str) -> None:
    """criu goes on without the pre-dump's pages when it does not find them; so it is looked for."""
    if not path:
        return
    if os.path.isabs(path):
        raise BadParentPath("--parent-path must be relative to --image-path")
    if not os.path.isdir(os.path.join(images, path)):
        raise BadParentPath(f"invalid --parent-path: no such directory: {path}")


def _images(options: Options, *, make: bool) -> str:
    path = os.path.abspath(options.text("image-path", "checkpoint"))
    if make:
        os.makedirs(path, 0o700, exist_ok=True)
    return path


def _common(options: Options, images: str, log: str) -> list[str]:
    work = options.text("work-path") or images
    os.makedirs(work, 0o700, exist_ok=True)
    words = ["--images-dir", images, "--work-dir", work, "--log-file", f"{images}/{log}", "-v4"]
    words += ["--evasive-devices", "--link-remap", "--force-irmap"]
    mode = options.text("manage-cgroups-mode", "soft")
    words.append("--manage-cgroups" + (f"={mode}" if mode != "ignore" else "=ignore"))
    for switch in SWITCHES:
        if options.switch(switch):
            words.append("--" + CRIU_SWITCHES.get(switch, switch))
    for kind in options.several("empty-ns"):
        words += ["--empty-ns", "net" if kind == "network" else kind]
    if options.text("page-server"):
        address, _, port = options.text("page-server").rpartition(":")
        words += ["--page-server", "--address", address, "--port", port]
    if options.switch("auto-dedup"):
        words.append("--auto-dedup")
    for flag in ("lsm-profile", "lsm-mount-context"):
        if options.text(flag):
            words += [f"--{flag}", options.text(flag)]
    return words


def _freezer(state: State) -> list[str]:
    freezer = f"/sys/fs/cgroup/freezer{state['cgroup_path']}"
    return ["--freeze-cgroup", freezer] if os.path.isdir(freezer) else []


def _external_mounts(spec: Spec) -> list[str]:
    """Destinations of bind mounts, which criu must not try to save."""
    return [
        entry["destination"]
        for entry in spec.get("mounts") or []
        if entry.get("type") == "bind" or {"bind", "rbind"} & set(entry.get("options") or [])
    ]


def _run(command: list[str], images: str, log: str) -> None:
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise CriuFailed(f"exit status {code}", f"{images}/{log}")
