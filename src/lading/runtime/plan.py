"""From a spec to the list of operations: a pure function, and its printed form.

The order is the one in which each step still has the rights and the view it needs:

    namespaces, root     meanwhile the starter makes the cgroup
    cgroup, mounts       targets are opened inside the root; the host's tree is still there
    terminal, sysctl     before /proc is covered
    hooks                of the runtime and of the container, while the host's programs are there
    masks, read-only     while the host's /dev/null can be cloned
    pivot_root           from here on nothing of the host is visible
    limits, user, stdio  looked up in the root; rights are still whole
    descriptors, seccomp (without no_new_privs), credentials, seccomp (with it), execve
"""

from __future__ import annotations

from lading.kernel import capabilities, mount
from lading.kernel import namespaces as ns
from lading.kernel.cgroup.hierarchy import Hierarchies, hierarchies, read_text
from lading.runtime.operations import devices as device_steps
from lading.runtime.operations import identity, masks, namespaces, program, rootfs
from lading.runtime.planning import process as ending
from lading.runtime.planning import settings
from lading.runtime.planning.errors import BadSpec
from lading.runtime.planning.mounts import MountPlanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Operation
    from lading.runtime.spec import Linux, Namespace, Process, Request, Spec

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


class Host:
    """What a plan must know of the host; read once by the spawner."""

    __slots__ = ("is_nested", "oom_score_adj", "trees")

    def __init__(self, trees: Hierarchies, oom_score_adj: int, *, is_nested: bool = False) -> None:
        self.is_nested = is_nested  # we are root of a user namespace: nobody may make devices
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
    adjustment = int(read_text("/proc/self/oom_score_adj"))
    return Host(trees, adjustment, is_nested=ns.in_user_namespace())


def read_whole_host() -> Host:
    """The same with all trees, for the OCI command: what is in v2's can be killed at once."""
    found = read_host()
    return Host(hierarchies(), found.oom_score_adj, is_nested=found.is_nested)


def describe(operations: list[Operation]) -> str:
    """One line per operation, for people and for tests."""
    return "\n".join(step.describe() for step in operations)


def compile(
    request: Request,
    host: Host,
    fds: list[int],
    *,
    seccomp: bytes | None = None,
    trees: dict[str, int] | None = None,
) -> list[Operation]:
    """The plan of a spawn request: `fds` came with it, `seccomp` is the filter to load, `trees`
    are mounts that the parent had to make (by destination, the root's as "").

    Raises BadSpec, InvalidArgument.
    """
    spec = request["spec"]
    linux: Linux = spec.get("linux") or {}
    process = spec.get("process") or {}
    ending.check(process)
    steps: list[Operation] = []
    asked = _namespaces(steps, request, linux, fds, host)
    has_mounts = "mount" in asked
    if has_mounts:
        _cut_off(steps, request["directory"], linux.get("rootfsPropagation") or "")
    made = (request.get("fds") or {}).get("trees") or {}
    trees = {place: fds[index] for place, index in made.items()} | (trees or {})
    steps.append(_root(request, spec, tree=trees.get("", -1)))
    private = "cgroup" in asked and not asked["cgroup"].get("path")
    _cgroup(steps, request, linux, host, fds, is_private=private)
    planner = MountPlanner(
        host.trees,
        linux,
        trees=trees,
        binds_devices="user" in asked or host.is_nested,
        private_cgroup=private,
    )
    planner.add(steps, spec, linux)
    if process.get("terminal"):
        steps.append(_terminal(process, console=True))
    settings.add(steps, spec, linux, asked)
    finish = _finish(request, linux, seccomp)
    if spec.get("hooks"):
        from lading.runtime.planning import rare

        rare.add_hooks(steps, finish, request)
    if planner.has_readonly_dev:
        steps.append(device_steps.ReadonlyDev())
    _cover(steps, spec, linux)
    steps.append(_enter(linux, has_mounts=has_mounts))
    ending.add(steps, process, finish)
    return steps


def compile_exec(
    process: Process,
    host: Host,
    *,
    cgroup_path: str,
    pidfd: int,
    seccomp: bytes | None,
    joined: int = JOINED_BY_EXEC,
    finish: ending.Finish | None = None,
    cgroup_files: list[int] | None = None,
) -> list[Operation]:
    """The operations of one more process in a running container; `joined` are its namespaces."""
    steps: list[Operation] = []
    if cgroup_files is not None:
        steps.append(namespaces.EnterCgroup(cgroup_path, cgroup_files))
    elif cgroup_path and not host.trees.is_unified():
        steps.append(namespaces.JoinCgroup(cgroup_path, host.trees))
    steps.append(namespaces.JoinContainer(pidfd, joined))
    if process.get("terminal"):
        steps.append(_terminal(process, console=False))
    finish = finish or ending.Finish(seccomp, None)
    finish.is_exec = True
    ending.add(steps, process, finish)
    return steps


def _namespaces(
    steps: list[Operation], request: Request, linux: Linux, fds: list[int], host: Host
) -> dict[str, Namespace]:
    """Steps for those to be joined; returns all, by type. The parent clones the new ones."""
    asked = {namespace["type"]: namespace for namespace in linux.get("namespaces") or []}
    if len(asked) < len(linux.get("namespaces") or []):
        raise BadSpec("malformed spec file: duplicated ns")
    for kind in asked:
        if kind not in ns.ALL_FLAGS:
            raise BadSpec(f"namespace {kind!r} does not exist")
    if "user" in asked or linux.get("uidMappings") or linux.get("gidMappings"):
        from lading.runtime.planning import rare

        rare.add_user_namespace(steps, request, asked)
    oom_score_adj = (request["spec"].get("process") or {}).get("oomScoreAdj")
    if oom_score_adj is not None and oom_score_adj != host.oom_score_adj and "user" not in asked:
        steps.append(identity.SetOomScoreAdj(oom_score_adj))
    netns = (request.get("fds") or {}).get("netns")
    # that of mounts last: the paths of the others are the host's
    for kind in sorted(asked, key=lambda kind: kind == "mount"):
        namespace = asked[kind]
        flag, path = ns.ALL_FLAGS[kind], namespace.get("path") or ""
        if kind == "network" and netns is not None:
            steps.append(namespaces.JoinNamespace(kind, flag, descriptor=fds[netns]))
        elif kind in ("pid", "user") or (path and "user" in asked and kind != "mount"):
            continue  # we were born in it, or from here we had no right to join it: see `launch`
        elif path:
            steps.append(namespaces.JoinNamespace(kind, flag, path=path))
        elif kind == "network":
            steps.append(namespaces.BringLoopbackUp())
    return asked


def _cgroup(
    steps: list[Operation],
    request: Request,
    linux: Linux,
    host: Host,
    fds: list[int],
    *,
    is_private: bool,
) -> None:
    """Late, for the groups are made by the starter while the root is mounted here."""
    path = linux.get("cgroupsPath") or ""
    opened = (request.get("fds") or {}).get("cgroup")
    if opened is not None:
        steps.append(namespaces.EnterCgroup(path, [fds[index] for index in opened]))
    elif path and not host.trees.is_unified():
        steps.append(namespaces.WaitForCgroup(path, linux.get("resources") or {}))
        steps.append(namespaces.JoinCgroup(path, host.trees))
    if is_private:  # now that we are in the group that shall be its root
        steps.append(namespaces.UnshareCgroup())


def _cut_off(steps: list[Operation], directory: str, name: str) -> None:
    """How our copy of the host's mounts is tied to the original, until the root is pivoted.

    Only "shared" lets mounts of ours travel back; the others must not even on the way, and cannot
    be set yet: nothing unbindable can be cloned. `PivotRoot` gives the root what was asked.
    """
    if "shared" in name:
        steps.append(rootfs.SetPropagation(*_propagation(name)))
        steps.append(rootfs.PrivateMount(directory))
    else:
        _propagation(name)
        steps.append(rootfs.SetPropagation(*PROPAGATION["rprivate" if "private" in name else ""]))


def _propagation(name: str) -> tuple[str, int]:
    try:
        return PROPAGATION[name]
    except KeyError:
        raise BadSpec(f"rootfsPropagation={name} is not supported") from None


def _root(request: Request, spec: Spec, *, tree: int) -> Operation:
    label = (spec.get("linux") or {}).get("mountLabel") or ""
    overlay = request.get("overlay")
    directory = request["directory"]
    if tree >= 0:
        return rootfs.AttachRoot(tree, directory)
    if overlay:
        return rootfs.MountOverlay(
            directory,
            overlay["lower"],
            overlay.get("upper"),
            overlay.get("work"),
            label,
            userxattr=overlay.get("userxattr", False),
        )
    path = (spec.get("root") or {}).get("path")
    if not path:
        raise BadSpec("root.path must not be empty")
    return rootfs.BindRoot(path, directory)


def _terminal(process: Process, *, console: bool) -> Operation:
    size = process.get("consoleSize")
    height, width = (size["height"], size["width"]) if size else (0, 0)
    return device_steps.OpenTerminal(height, width, console=console)


def _cover(steps: list[Operation], spec: Spec, linux: Linux) -> None:
    """What may not be seen or written, once everything is mounted."""
    if linux.get("maskedPaths"):
        steps.append(masks.MaskPaths(list(dict.fromkeys(linux["maskedPaths"]))))
    if linux.get("readonlyPaths"):
        steps.append(masks.ReadonlyPaths(linux["readonlyPaths"]))
    if (spec.get("root") or {}).get("readonly"):
        steps.append(program.MakeDirectory((spec.get("process") or {}).get("cwd") or "/"))
        steps.append(rootfs.ReadonlyRoot())


def _enter(linux: Linux, *, has_mounts: bool) -> Operation:
    if not has_mounts:
        return rootfs.ChangeRoot()
    name = linux.get("rootfsPropagation") or ""
    return rootfs.PivotRoot(_propagation(name)[1] if name else 0)


def _finish(request: Request, linux: Linux, seccomp: bytes | None) -> ending.Finish:
    keyring = None if request.get("keep_keyring") else f"_ses.{request.get('id', '')}"
    finish = ending.Finish(seccomp, keyring)
    finish.gate = finish.outlives = bool(request.get("gate"))
    if finish.gate and not any(n["type"] == "user" for n in linux.get("namespaces") or []):
        finish.grantable = capabilities.to_mask(capabilities.available())
    finish.preserved = request.get("preserved") or []
    finish.extra = {key: linux[key] for key in ending.RARE if linux.get(key) is not None}  # type: ignore[literal-required]
    profile = linux.get("seccomp")
    if profile and finish.gate:  # a profile of the spec's own: the engine sends it compiled
        from lading.runtime.planning import rare

        rare.set_filter_flags(finish, profile)
    return finish
