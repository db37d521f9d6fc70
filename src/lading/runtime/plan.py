"""From a spec to the list of operations: a pure function, and its printed form.

The order is the one in which each step still has the rights and the view it needs:

    namespaces, root     meanwhile the starter makes the cgroup
    cgroup, mounts       targets are opened inside the root; the host's tree is still there
    terminal, sysctl     before /proc is covered
    masks, read-only     while the host's /dev/null can be cloned
    pivot_root           from here on nothing of the host is visible
    limits, user, stdio  looked up in the root; rights are still whole
    descriptors, seccomp (without no_new_privs), credentials, seccomp (with it), execve
"""

from __future__ import annotations

import os
import stat

from lading.errors import InvalidArgument
from lading.kernel import capabilities, mount
from lading.kernel import namespaces as ns
from lading.kernel.cgroup.hierarchy import Hierarchies, hierarchies, read_text
from lading.runtime import mount_options
from lading.runtime.operations import devices, identity, masks, mounts, namespaces, program, rootfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Operation
    from lading.runtime.spec import Device, Linux, Mount, Namespace, Process, Request, Spec

JOINED_BY_EXEC = (
    ns.CLONE_NEWNS | ns.CLONE_NEWIPC | ns.CLONE_NEWUTS | ns.CLONE_NEWNET | ns.CLONE_NEWCGROUP
)
PROPAGATION = {
    "": ("rslave", mount.MS_SLAVE | mount.MS_REC),
    "private": ("private", mount.MS_PRIVATE),
    "rprivate": ("rprivate", mount.MS_PRIVATE | mount.MS_REC),
    "slave": ("slave", mount.MS_SLAVE),
    "rslave": ("rslave", mount.MS_SLAVE | mount.MS_REC),
    "shared": ("shared", mount.MS_SHARED),
    "rshared": ("rshared", mount.MS_SHARED | mount.MS_REC),
    "unbindable": ("unbindable", mount.MS_UNBINDABLE),
    "runbindable": ("runbindable", mount.MS_UNBINDABLE | mount.MS_REC),
}
IPC_SYSCTLS = ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced")
CAPABILITY_SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
DEFAULT_UMASK = 0o022
NODE_TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}


class BadSpec(InvalidArgument):
    """{0}"""


class Host:
    """What a plan must know of the host; read once by the spawner."""

    __slots__ = ("oom_score_adj", "trees")

    def __init__(self, trees: Hierarchies, oom_score_adj: int) -> None:
        self.trees = trees
        self.oom_score_adj = oom_score_adj  # what every child inherits


def read_host() -> Host:
    """The host as it is now; what every child would read for itself is read here, once.

    A v2 tree without a controller is left alone: a process can only be born in a group of it (to
    move there takes 5 to 30 ms), and v1 has all that a container needs.
    """
    capabilities.last_cap()
    trees = hierarchies()
    if not trees.is_unified() and not trees.v2_controllers():
        trees = Hierarchies(trees.v1, None)
    return Host(trees, int(read_text("/proc/self/oom_score_adj")))


def describe(operations: list[Operation]) -> str:
    """One line per operation, for people and for tests."""
    return "\n".join(step.describe() for step in operations)


def compile(
    request: Request, host: Host, fds: list[int], *, seccomp: bytes | None = None
) -> list[Operation]:
    """The plan of a spawn request: `fds` came with it, `seccomp` is the filter to load.

    Raises BadSpec, InvalidArgument.
    """
    spec = request["spec"]
    linux: Linux = spec.get("linux") or {}
    process = spec.get("process") or {}
    _refuse_unsupported(spec, linux, process)
    cgroup_path = linux.get("cgroupsPath") or ""
    steps: list[Operation] = []
    joined = _namespaces(steps, request, linux, fds, host)
    steps.append(rootfs.SetPropagation(*_propagation(linux.get("rootfsPropagation") or "")))
    steps.append(_root(request, spec))
    private = "cgroup" in joined and not joined["cgroup"].get("path")
    _cgroup(steps, linux, host, is_private=private)
    _mounts(steps, spec, linux, host, cgroup_path)
    if process.get("terminal"):
        steps.append(_terminal(process, console=True))
    _settings(steps, spec, linux, joined)
    if linux.get("maskedPaths"):
        steps.append(masks.MaskPaths(linux["maskedPaths"]))
    if linux.get("readonlyPaths"):
        steps.append(masks.ReadonlyPaths(linux["readonlyPaths"]))
    if (spec.get("root") or {}).get("readonly"):
        steps.append(program.MakeDirectory(process.get("cwd") or "/"))
        steps.append(rootfs.ReadonlyRoot())
    steps.append(rootfs.PivotRoot())
    keyring = f"_ses.{request.get('id', '')}"
    gate = bool(request.get("gate"))
    _process(steps, process, seccomp=seccomp, keyring=keyring, gate=gate)
    return steps


def compile_exec(
    process: Process, host: Host, *, cgroup_path: str, pidfd: int, seccomp: bytes | None
) -> list[Operation]:
    """The operations of one more process in a running container."""
    if not process.get("args"):
        raise BadSpec("process.args must not be empty")
    steps: list[Operation] = []
    if cgroup_path and not host.trees.is_unified():
        steps.append(namespaces.JoinCgroup(cgroup_path, host.trees))
    steps.append(namespaces.JoinContainer(pidfd, JOINED_BY_EXEC))
    if process.get("terminal"):
        steps.append(_terminal(process, console=False))
    _process(steps, process, seccomp=seccomp, keyring=None, create_cwd=False)
    return steps


def _refuse_unsupported(spec: Spec, linux: Linux, process: Process) -> None:
    if not process.get("args"):
        raise BadSpec("process.args must not be empty")
    hooks = spec.get("hooks") or {}
    if any(hooks.values()):
        raise BadSpec("hooks are not supported")
    for key in ("uidMappings", "gidMappings", "timeOffsets", "intelRdt", "personality"):
        if linux.get(key):
            raise BadSpec(f"linux.{key} is not supported")
    for key in ("apparmorProfile", "selinuxLabel", "scheduler", "ioPriority"):
        if process.get(key):
            raise BadSpec(f"process.{key} is not supported")


def _namespaces(
    steps: list[Operation], request: Request, linux: Linux, fds: list[int], host: Host
) -> dict[str, Namespace]:
    """Steps for those to be joined; returns all, by type. The monitor clones the new ones."""
    asked = {namespace["type"]: namespace for namespace in linux.get("namespaces") or []}
    for kind in asked:
        if kind not in ns.FLAGS:
            raise BadSpec(f"namespace {kind} is not supported")
    if "mount" not in asked or asked["mount"].get("path"):
        raise BadSpec("a new mount namespace is required")
    oom_score_adj = (request["spec"].get("process") or {}).get("oomScoreAdj")
    if oom_score_adj is not None and oom_score_adj != host.oom_score_adj:
        steps.append(identity.SetOomScoreAdj(oom_score_adj))
    netns = (request.get("fds") or {}).get("netns")
    for kind, namespace in asked.items():
        flag, path = ns.FLAGS[kind], namespace.get("path") or ""
        if kind == "network" and netns is not None:
            steps.append(namespaces.JoinNamespace(kind, flag, descriptor=fds[netns]))
        elif kind == "pid":
            continue  # only a child can be born in one: the starter has seen to it
        elif path:
            steps.append(namespaces.JoinNamespace(kind, flag, path=path))
        elif kind == "network":
            steps.append(namespaces.BringLoopbackUp())
    return asked


def _cgroup(steps: list[Operation], linux: Linux, host: Host, *, is_private: bool) -> None:
    """Late, for the groups are made by the starter while the root is mounted here."""
    path = linux.get("cgroupsPath") or ""
    if path and not host.trees.is_unified():
        steps.append(namespaces.WaitForCgroup(path, linux.get("resources") or {}))
        steps.append(namespaces.JoinCgroup(path, host.trees))
    if is_private:  # now that we are in the group that shall be its root
        steps.append(namespaces.UnshareCgroup())


def _propagation(name: str) -> tuple[str, int]:
    try:
        return PROPAGATION[name]
    except KeyError:
        raise BadSpec(f"unknown rootfsPropagation: {name}") from None


def _root(request: Request, spec: Spec) -> Operation:
    overlay = request.get("overlay")
    directory = request["directory"]
    if overlay:
        return rootfs.MountOverlay(
            directory, overlay["lower"], overlay.get("upper"), overlay.get("work")
        )
    path = (spec.get("root") or {}).get("path")
    if not path:
        raise BadSpec("root.path must not be empty")
    return rootfs.BindRoot(path, directory)


def _mounts(steps: list[Operation], spec: Spec, linux: Linux, host: Host, cgroup_path: str) -> None:
    nodes = _nodes(linux.get("devices") or [])
    inside = [node for node in nodes if node.path.startswith("/dev/")]
    outside = [node for node in nodes if not node.path.startswith("/dev/")]
    filled = False
    bound = False
    for entry in spec.get("mounts") or []:
        step = _mount(entry, host, cgroup_path)
        if isinstance(step, devices.MountDev):
            step.nodes = _relative(inside)
            filled = True
        elif entry["destination"] == "/dev":
            bound = True
        steps.append(step)
    if not filled and not bound:
        outside += [devices.Node("/dev/" + n.path, n.mode, n.device) for n in _relative(inside)]
    steps.extend(devices.MakeDevice(node) for node in outside)


def _absolute(path: str) -> str:
    """The path from the root, without "..", doubled slashes or a trailing one."""
    return os.path.normpath("/" + path.lstrip("/"))


def _mount(entry: Mount, host: Host, cgroup_path: str) -> Operation:
    destination = _absolute(entry["destination"])
    options = mount_options.parse(entry.get("options") or [], destination)
    fstype = entry.get("type") or ""
    if entry.get("uidMappings") or entry.get("gidMappings"):
        raise BadSpec(f"mount {destination}: id mappings are not supported")
    if options.bind or fstype == "bind":
        recursive = options.bind != "bind"
        return mounts.BindMount(entry["source"], destination, options, recursive=recursive)
    if fstype == "cgroup":
        return _cgroup_view(destination, options, host, cgroup_path)
    if fstype == "tmpfs" and destination == "/dev":
        return devices.MountDev(fstype, entry.get("source") or "", destination, options)
    if fstype == "mqueue":
        options.data.clear()
    return mounts.MountFilesystem(fstype, entry.get("source") or "", destination, options)


def _cgroup_view(
    destination: str, options: mount_options.MountOptions, host: Host, cgroup_path: str
) -> Operation:
    options.data.clear()
    if host.trees.is_unified():
        return mounts.MountFilesystem("cgroup2", "cgroup", destination, options)
    names: dict[str, str] = {}  # mount point -> its controllers, as Docker names the directory
    for controller, place in host.trees.v1.items():
        controller = controller.removeprefix("name=")
        names[place] = f"{names[place]},{controller}" if place in names else controller
    views = [(name, place + cgroup_path) for place, name in names.items()]
    links = [(part, name) for name in names.values() if "," in name for part in name.split(",")]
    return mounts.MountCgroupV1(destination, views, links, options.set)


def _nodes(asked: list[Device]) -> list[devices.Node]:
    """The default nodes and the spec's; the spec wins where both name a path."""
    nodes = {}
    for node in devices.default_nodes():
        node.path = "/dev/" + node.path
        nodes[node.path] = node
    for device in asked:
        path = _absolute(device["path"])
        mode = NODE_TYPES.get(device["type"], 0)
        if not mode:
            raise BadSpec(f"device {path}: unknown type {device['type']}")
        number = os.makedev(device.get("major", 0), device.get("minor", 0))
        mode |= device.get("fileMode", 0o666) & 0o7777
        nodes[path] = devices.Node(
            path, mode, number, device.get("uid") or 0, device.get("gid") or 0
        )
    # /dev/ptmx is a link to the container's own devpts, and /dev/console its own terminal
    return [node for path, node in nodes.items() if path not in ("/dev/ptmx", "/dev/console")]


def _relative(nodes: list[devices.Node]) -> list[devices.Node]:
    for node in nodes:
        node.path = node.path.removeprefix("/dev/")
    return nodes


def _terminal(process: Process, *, console: bool) -> Operation:
    size = process.get("consoleSize")
    height, width = (size["height"], size["width"]) if size else (0, 0)
    return devices.OpenTerminal(height, width, console=console)


def _settings(
    steps: list[Operation], spec: Spec, linux: Linux, asked: dict[str, Namespace]
) -> None:
    for key, value in (linux.get("sysctl") or {}).items():
        _check_sysctl(key, value, asked)
        steps.append(namespaces.SetSysctl(key, value))
    if spec.get("hostname"):
        if "uts" not in asked:
            raise BadSpec("unable to set hostname without a private UTS namespace")
        steps.append(namespaces.SetHostname(spec["hostname"]))
    if spec.get("domainname"):
        if "uts" not in asked:
            raise BadSpec("unable to set domainname without a private UTS namespace")
        steps.append(namespaces.SetDomainname(spec["domainname"]))


def _check_sysctl(key: str, value: str, asked: dict[str, Namespace]) -> None:
    """Only settings that belong to a namespace of the container; else they are the host's."""
    first, _, rest = key.partition(".")
    allowed = (
        (first == "net" and "network" in asked)
        or (first == "kernel" and rest in IPC_SYSCTLS and "ipc" in asked)
        or (key.startswith("fs.mqueue.") and "ipc" in asked)
        or (key == "kernel.domainname" and "uts" in asked)
    )
    if not allowed or "/" in key or ".." in key:
        raise BadSpec(f'sysctl "{key}" is not in a separate kernel namespace')
    if not value.isprintable():  # a line feed would write a second value (CVE-2022-0811)
        raise BadSpec(f'sysctl "{key}": control characters in the value')


def _process(
    steps: list[Operation],
    process: Process,
    *,
    seccomp: bytes | None,
    keyring: str | None,
    create_cwd: bool = True,
    gate: bool = False,
) -> None:
    steps.append(namespaces.NewSession(keyring))
    for limit in process.get("rlimits") or []:
        steps.append(identity.SetRlimit(limit["type"], limit["soft"], limit["hard"]))
    user = process.get("user") or {}
    steps.append(identity.ResolveUser(user))
    steps.append(program.SetEnvironment(process.get("env") or []))
    steps.append(program.SetStdio(terminal=bool(process.get("terminal"))))
    steps.append(program.ChangeDirectory(process.get("cwd") or "/", create=create_cwd))
    steps.append(program.FindProgram(process["args"][0]))
    steps.append(program.Report())
    if gate:
        steps.append(program.WaitForStart())
    steps.append(program.CloseDescriptors())
    no_new_privileges = bool(process.get("noNewPrivileges"))
    if seccomp and not no_new_privileges:
        steps.append(identity.LoadSeccomp(seccomp))
    umask = user.get("umask")
    steps.append(identity.BecomeUser(_sets(process), DEFAULT_UMASK if umask is None else umask))
    if no_new_privileges:
        steps.append(identity.NoNewPrivileges())
        if seccomp:
            steps.append(identity.LoadSeccomp(seccomp))
    steps.append(program.Execute(process["args"]))


def _sets(process: Process) -> dict[str, int]:
    """The five masks; a spec without capabilities means none."""
    names: dict[str, list[str]] = dict(process.get("capabilities") or {})  # type: ignore[arg-type]
    return {kind: capabilities.to_mask(names.get(kind) or []) for kind in CAPABILITY_SETS}
