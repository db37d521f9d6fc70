"""Steps for the spec's mounts and devices: which go where, and what fills /dev."""

from __future__ import annotations

import os
import stat

from lading.runtime import mount_options
from lading.runtime.operations import devices, mounts
from lading.runtime.planning.errors import BadSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.kernel.cgroup.hierarchy import Hierarchies
    from lading.runtime.operations.step import Operation
    from lading.runtime.spec import Device, Linux, Mount, Spec

NODE_TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}
# /dev/ptmx is a link to the container's own devpts, and /dev/console its own terminal
OURS = ("/dev/ptmx", "/dev/console")


class MountPlanner:
    """What all mounts of one spec share."""

    __slots__ = (
        "_binds_devices",
        "_cgroup_path",
        "_label",
        "_private_cgroup",
        "_trees",
        "has_readonly_dev",
        "hosts",
    )

    def __init__(
        self,
        hosts: Hierarchies,
        linux: Linux,
        *,
        trees: dict[str, int],
        binds_devices: bool,
        private_cgroup: bool,
    ) -> None:
        self.hosts = hosts
        self.has_readonly_dev = False
        self._cgroup_path = linux.get("cgroupsPath") or ""
        self._label = linux.get("mountLabel") or ""
        self._trees = trees  # destinations whose mount the parent has made already
        self._binds_devices = binds_devices  # in a user namespace nobody may call mknod
        self._private_cgroup = private_cgroup

    def add(self, steps: list[Operation], spec: Spec, linux: Linux) -> None:
        """The mounts in the spec's order; the nodes of /dev when and where its tmpfs is mounted."""
        nodes = nodes_of(linux.get("devices") or [])
        inside = [node for node in nodes if node.path.startswith("/dev/")]
        outside = [node for node in nodes if not node.path.startswith("/dev/")]
        filled = False
        bound = False
        for entry in spec.get("mounts") or []:
            step = self._mount(entry)
            steps.append(step)
            if isinstance(step, devices.MountDev):
                filled = True
                self.has_readonly_dev = step.options.is_readonly
                if self._binds_devices:
                    step.nodes = []
                    steps.extend(self._bind(node) for node in inside)
                else:
                    step.nodes = _relative(inside)
            elif absolute(entry["destination"]) == "/dev":
                bound = True
        if not filled and not bound:
            outside += inside
            steps.append(devices.MakeLinks())
        make = self._bind if self._binds_devices else devices.MakeDevice
        steps.extend(make(node) for node in outside)

    def _bind(self, node: devices.Node) -> Operation:
        return devices.BindDevice(node, self._trees.get(f"device:{node.path}", -1))

    def _mount(self, entry: Mount) -> Operation:
        destination = absolute(entry["destination"])
        options = mount_options.parse(entry.get("options") or [])
        fstype = entry.get("type") or ""
        if options.bind or fstype == "bind":
            recursive = options.bind != "bind"
            tree = self._trees.get(entry["destination"], -1)
            source = entry.get("source") or ""
            return mounts.BindMount(
                source,
                destination,
                options,
                recursive=recursive,
                tree=tree,
                subpath=entry.get("subpath") or "",
            )
        if fstype == "image":
            layers = entry.get("layers") or []
            return mounts.BindMount(
                entry.get("source") or "",
                destination,
                options,
                recursive=False,
                tree=self._trees.get(entry["destination"], -1),
                subpath=entry.get("subpath") or "",
                layers=layers,
            )
        if entry.get("uidMappings") or entry.get("gidMappings") or options.idmap:
            raise BadSpec(f"mount {destination}: only bind mounts can be id-mapped")
        if fstype == "cgroup":
            return self._cgroup_view(destination, options)
        if self._label and fstype in ("tmpfs", "overlay", "devpts"):
            options.data.setdefault("context", self._label)  # by fsconfig: no quotes
            options.words = [*options.words, f"context={options.data['context']}"]
        if fstype == "tmpfs" and destination == "/dev":
            return devices.MountDev(fstype, entry.get("source") or "", destination, options)
        if fstype == "mqueue":
            options.data.clear()
        if options.copy_up:
            if fstype != "tmpfs":
                raise BadSpec(f"mount {destination}: tmpcopyup is for tmpfs only")
            from lading.runtime.operations.copy_up import MountCopiedUp

            return MountCopiedUp(fstype, entry.get("source") or "", destination, options)
        return mounts.MountFilesystem(fstype, entry.get("source") or "", destination, options)

    def _cgroup_view(self, destination: str, options: mount_options.MountOptions) -> Operation:
        options.data.clear()
        if self.hosts.is_unified():
            if not self._private_cgroup:  # a new mount would show the whole tree
                place = f"{self.hosts.v2}{self._cgroup_path}"
                return mounts.BindMount(place, destination, options, recursive=True)
            return mounts.MountFilesystem("cgroup2", "cgroup", destination, options)
        names: dict[str, str] = {}  # mount point -> its controllers, as Docker names the directory
        for controller, place in self.hosts.v1.items():
            controller = controller.removeprefix("name=")
            names[place] = f"{names[place]},{controller}" if place in names else controller
        views = [(name, place + self._cgroup_path) for place, name in names.items()]
        links = [(part, name) for name in names.values() if "," in name for part in name.split(",")]
        return mounts.MountCgroupV1(destination, views, links, options.set, self._trees)


def absolute(path: str) -> str:
    """The path from the root, without "..", doubled slashes or a trailing one."""
    return os.path.normpath("/" + path.lstrip("/"))


def nodes_of(asked: list[Device]) -> list[devices.Node]:
    """The default nodes and the spec's; the spec wins where both name a path."""
    nodes = {}
    for node in devices.default_nodes():
        node.path = "/dev/" + node.path
        nodes[node.path] = node
    for device in asked:
        path = absolute(device["path"])
        mode = NODE_TYPES.get(device["type"], 0)
        if not mode:
            raise BadSpec(f"device {path}: unknown type {device['type']}")
        number = os.makedev(device.get("major", 0), device.get("minor", 0))
        permissions = device.get("fileMode")
        mode |= (0o666 if permissions is None else permissions) & 0o7777
        nodes[path] = devices.Node(
            path, mode, number, device.get("uid") or 0, device.get("gid") or 0
        )
    return [node for path, node in nodes.items() if path not in OURS]


def _relative(nodes: list[devices.Node]) -> list[devices.Node]:
    for node in nodes:
        node.path = node.path.removeprefix("/dev/")
    return nodes
