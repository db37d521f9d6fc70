"""From a spec to the list of operations: a pure function, and its printed form.

The order is the one in which each step still has the rights and the view it needs:

    cgroup, namespaces   before anything is mounted: the cgroup view shows the own cgroup as root
    root, mounts         targets are opened inside the root; the host's tree is still there
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
from lading.runtime import mount_options
from lading.runtime.operations import devices, identity, masks, mounts, namespaces, program, rootfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Operation
    from lading.runtime.spec import Device, Linux, Mount, Namespace, Process, Request, Spec

NAMESPACE_FLAGS = {
    "mount": ns.CLONE_NEWNS,
    "pid": ns.CLONE_NEWPID,
    "network": ns.CLONE_NEWNET,
    "ipc": ns.CLONE_NEWIPC,
    "uts": ns.CLONE_NEWUTS,
    "cgroup": ns.CLONE_NEWCGROUP,
}
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

    __slots__ = ("cgroup_links", "cgroup_mounts", "has_cgroup2", "oom_score_adj")

    def __init__(
        self,
        *,
        cgroup_mounts: list[tuple[str, str]],
        cgroup_links: list[tuple[str, str]],
        has_cgroup2: bool,
        oom_score_adj: int,
    ) -> None:
        self.cgroup_mounts = cgroup_mounts  # v1: (name in the container, mount point on the host)
        self.cgroup_links = cgroup_links  # v1: (controller, name of the mount it shares)
        self.has_cgroup2 = has_cgroup2  # pure v2
        self.oom_score_adj = oom_score_adj  # what every child inherits


class Plan:
    """The operations of a container's first process and what its monitor must prepare."""

    __slots__ = (
        "cgroup_path",
        "clone_flags",
        "operations",
        "pid_namespace",
        "resources",
        "terminal",
        "uses_seccomp",
    )

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.clone_flags = 0
        self.pid_namespace = ""  # path of one to join: only children can be born in it
        self.cgroup_path = ""
        self.resources: dict[str, object] = {}
        self.terminal = False
        self.uses_seccomp = False

    def describe(self) -> str:
        """One line per operation; what `lading-runtime plan` prints."""
        names = [name for name, flag in NAMESPACE_FLAGS.items() if self.clone_flags & flag]
        lines = [f"clone {' '.join(names)}", *(step.describe() for step in self.operations)]
        return "\n".join(lines)


def compile(request: Request, host: Host, fds: list[int]) -> Plan:
    """The plan of a spawn request. `fds` came with it. Raises BadSpec, InvalidArgument."""
    spec = request["spec"]
    linux: Linux = spec.get("linux") or {}
    process = spec.get("process") or {}
    _refuse_unsupported(spec, linux, process)
    plan = Plan()
    plan.cgroup_path = linux.get("cgroupsPath") or ""
    plan.resources = linux.get("resources") or {}
    plan.terminal = bool(process.get("terminal"))
    plan.uses_seccomp = bool(request.get("seccomp_filter") or linux.get("seccomp"))
    steps = plan.operations
    joined = _namespaces(plan, request, linux, fds, host)
    steps.append(rootfs.SetPropagation(*_propagation(linux.get("rootfsPropagation") or "")))
    steps.append(_root(request, spec))
    _mounts(steps, spec, linux, host, plan.cgroup_path)
    if plan.terminal:
        steps.append(_terminal(process, console=True))
    _settings(plan, spec, linux, joined)
    if linux.get("maskedPaths"):
        steps.append(masks.MaskPaths(linux["maskedPaths"]))
    if linux.get("readonlyPaths"):
        steps.append(masks.ReadonlyPaths(linux["readonlyPaths"]))
    if (spec.get("root") or {}).get("readonly"):
        steps.append(program.MakeDirectory(process.get("cwd") or "/"))
        steps.append(rootfs.ReadonlyRoot())
    steps.append(rootfs.PivotRoot())
    _process(steps, process, seccomp=plan.uses_seccomp, keyring=f"_ses.{request.get('id', '')}")
    return plan


def compile_exec(process: Process, *, pidfd: int, flags: int, seccomp: bool) -> list[Operation]:
    """The operations of one more process in a running container."""
    steps: list[Operation] = [namespaces.JoinCgroup("of the container")]
    steps.append(namespaces.JoinContainer(pidfd, flags))
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
    plan: Plan, request: Request, linux: Linux, fds: list[int], host: Host
) -> dict[str, Namespace]:
    """Clone flags of the new ones, steps for those to be joined; returns all, by type."""
    asked = {namespace["type"]: namespace for namespace in linux.get("namespaces") or []}
    for kind in asked:
        if kind not in NAMESPACE_FLAGS:
            raise BadSpec(f"namespace {kind} is not supported")
    if "mount" not in asked or asked["mount"].get("path"):
        raise BadSpec("a new mount namespace is required")
    steps = plan.operations
    if plan.cgroup_path:
        steps.append(namespaces.JoinCgroup(plan.cgroup_path))
    oom_score_adj = (request["spec"].get("process") or {}).get("oomScoreAdj")
    if oom_score_adj is not None and oom_score_adj != host.oom_score_adj:
        steps.append(identity.SetOomScoreAdj(oom_score_adj))
    netns = (request.get("fds") or {}).get("netns")
    for kind, namespace in asked.items():
        flag, path = NAMESPACE_FLAGS[kind], namespace.get("path") or ""
        if kind == "network" and netns is not None:
            steps.append(namespaces.JoinNamespace(kind, flag, descriptor=fds[netns]))
        elif kind == "pid" and path:
            plan.pid_namespace = path
        elif path:
            steps.append(namespaces.JoinNamespace(kind, flag, path=path))
        elif kind == "cgroup":
            steps.append(namespaces.UnshareCgroup())
        else:
            plan.clone_flags |= flag
            if kind == "network":
                steps.append(namespaces.BringLoopbackUp())
    return asked


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
    if host.has_cgroup2:
        return mounts.MountFilesystem("cgroup2", "cgroup", destination, options)
    views = [(name, place + cgroup_path) for name, place in host.cgroup_mounts]
    return mounts.MountCgroupV1(destination, views, host.cgroup_links, options.set)


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


def _settings(plan: Plan, spec: Spec, linux: Linux, asked: dict[str, Namespace]) -> None:
    steps = plan.operations
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
    seccomp: bool,
    keyring: str | None,
    create_cwd: bool = True,
) -> None:
    steps.append(namespaces.NewSession(keyring))
    for limit in process.get("rlimits") or []:
        steps.append(identity.SetRlimit(limit["type"], limit["soft"], limit["hard"]))
    user = process.get("user") or {}
    steps.append(identity.ResolveUser(user))
    steps.append(program.SetEnvironment(process.get("env") or []))
    steps.append(program.SetStdio(terminal=bool(process.get("terminal"))))
    steps.append(program.ChangeDirectory(process.get("cwd") or "/", create=create_cwd))
    steps.append(program.HandOver())
    steps.append(program.CloseDescriptors())
    no_new_privileges = bool(process.get("noNewPrivileges"))
    if seccomp and not no_new_privileges:
        steps.append(identity.LoadSeccomp())
    umask = user.get("umask")
    steps.append(identity.BecomeUser(_sets(process), DEFAULT_UMASK if umask is None else umask))
    if no_new_privileges:
        steps.append(identity.NoNewPrivileges())
        if seccomp:
            steps.append(identity.LoadSeccomp())
    steps.append(program.Execute(process["args"]))


def _sets(process: Process) -> dict[str, int]:
    """The five masks; a spec without capabilities means none."""
    names: dict[str, list[str]] = dict(process.get("capabilities") or {})  # type: ignore[arg-type]
    return {kind: capabilities.to_mask(names.get(kind) or []) for kind in CAPABILITY_SETS}
