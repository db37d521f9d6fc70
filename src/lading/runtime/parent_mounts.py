"""Mounts that only the parent can make: sources that a user namespace may not reach, mapped ids.

In a new user namespace nobody is root on the host: directories that only root may enter are closed
to it. So the parent, whose rights are whole, clones root and bind sources before the child is born,
and the child only attaches them. An id-mapped mount takes the rights over the file system, too.
"""

from __future__ import annotations

import os

from lading.kernel import idmap, mount
from lading.runtime import mount_options
from lading.runtime.operations.mounts import clone_source
from lading.runtime.operations.sources import clone_image
from lading.runtime.planning.errors import BadSpec
from lading.runtime.planning.mounts import nodes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.kernel.idmap import Mapping
    from lading.runtime.spec import IdMapping, Linux, Mount, Spec


def triples(mappings: list[IdMapping] | None) -> list[Mapping]:
    """(inside, outside, count) of the spec's mappings."""
    return [(m["containerID"], m["hostID"], m["size"]) for m in mappings or []]


def user_namespace_path(linux: Linux) -> str | None:
    """The user namespace to join, "" for a new one, None for none."""
    for namespace in linux.get("namespaces") or []:
        if namespace["type"] == "user":
            return namespace.get("path") or ""
    return None


def make(spec: Spec, *, root: int = -1) -> dict[str, int]:
    """The mounts, detached, by destination; the root as "". Empty for a plain container.

    `root`: the root's mount, if somebody has made it already.
    """
    linux: Linux = spec.get("linux") or {}
    mounts = spec.get("mounts") or []
    path = user_namespace_path(linux)
    mapped = [entry for entry in mounts if _options(entry).idmap or entry.get("uidMappings")]
    if path is None and not mapped:
        return {}
    if path == "" and not (linux.get("uidMappings") and linux.get("gidMappings")):
        return {}  # which the plan refuses
    trees: dict[str, int] = {}
    if path is not None and os.geteuid() == 0:
        if root < 0:
            root = clone_source((spec.get("root") or {}).get("path") or "", recursive=True)
        trees[""] = root
        for entry in mounts:
            options = _options(entry)
            if options.bind or entry.get("type") in ("bind", "image"):
                trees[entry["destination"]] = _clone(entry, options, path)
        if linux.get("uidMappings"):  # of one that is joined the ids may not be known here
            _make_devices(linux, trees)
    for entry in mapped:
        _map(entry, linux, path, trees)
    return trees


def _clone(entry: Mount, options: mount_options.MountOptions, path: str | None) -> int:
    """The source of a bind or an image; the image is for the user namespace at `path`."""
    subpath = entry.get("subpath") or ""
    if entry.get("type") == "image":
        users = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path else -1
        try:
            return clone_image(entry.get("layers") or [], subpath, users=users)
        finally:
            if users >= 0:
                os.close(users)
    return clone_source(entry["source"], subpath, recursive=options.bind != "bind")


def _make_devices(linux: Linux, trees: dict[str, int]) -> None:
    """Nodes that belong to the container's own users, for nobody inside may call mknod."""
    outer = triples(linux.get("uidMappings")), triples(linux.get("gidMappings"))
    place = mount.detached("tmpfs", {"mode": "755"}, mount.MOUNT_ATTR_NOEXEC)
    os.umask(0)
    for number, node in enumerate(nodes_of(linux.get("devices") or [])):
        name, path = str(number), node.path
        os.mknod(name, node.mode, node.device, dir_fd=place)
        owner = _outside(outer[0], node.uid), _outside(outer[1], node.gid)
        os.chown(name, *owner, dir_fd=place, follow_symlinks=False)
        trees[f"device:{path}"] = mount.open_tree(place, name)
    os.umask(0o022)
    os.close(place)


def _options(entry: Mount) -> mount_options.MountOptions:
    return mount_options.parse(entry.get("options") or [])


def _map(entry: Mount, linux: Linux, path: str | None, trees: dict[str, int]) -> None:
    """Give the tree of this mount its mapping: its own, or that of the container."""
    options = _options(entry)
    destination = entry["destination"]
    if not (options.bind or entry.get("type") == "bind"):
        raise BadSpec(f"mount {destination}: only bind mounts can be id-mapped")
    if destination not in trees:
        trees[destination] = _clone(entry, options, path)
    users = _users(entry, options.idmap, linux, path)
    try:
        mount.mount_setattr(
            trees[destination],
            set=mount.MOUNT_ATTR_IDMAP,
            userns=users,
            recursive=options.idmap.startswith("ridmap"),
        )
    finally:
        os.close(users)


def _users(entry: Mount, word: str, linux: Linux, path: str | None) -> int:
    """A user namespace with the mapping that is meant."""
    uids, gids = triples(entry.get("uidMappings")), triples(entry.get("gidMappings"))
    _, equals, text = word.partition("=")
    if equals:
        uids, gids = parse_option(text, linux)
    if bool(uids) != bool(gids):
        raise BadSpec(f"mount {entry['destination']}: uid and gid mappings go together")
    if uids:
        return idmap.user_namespace(uids, gids)
    if path:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    if path is None:
        raise BadSpec(f"mount {entry['destination']}: idmap needs mappings or a user namespace")
    return idmap.user_namespace(
        triples(linux.get("uidMappings")), triples(linux.get("gidMappings"))
    )


def parse_option(text: str, linux: Linux) -> tuple[list[Mapping], list[Mapping]]:
    """`uids=0-1-10#20-30-5;gids=@0-1-10`, as crun and podman write it.

    With "@" the second number is an id inside of the container's user namespace. Raises BadSpec.
    """
    found: dict[str, list[Mapping]] = {"uids": [], "gids": []}
    for part in text.split(";"):
        key, _, ranges = part.partition("=")
        if key not in found:
            raise BadSpec(f"invalid mapping option: {text}")
        outer = triples(linux.get("uidMappings") if key == "uids" else linux.get("gidMappings"))
        for entry in ranges.split("#"):
            numbers = entry.removeprefix("@").split("-")
            if len(numbers) != 3 or not all(number.isdigit() for number in numbers):
                raise BadSpec(f"invalid mapping option: {text}")
            inside, outside, count = map(int, numbers)
            if entry.startswith("@"):
                outside = _outside(outer, outside)
            found[key].append((inside, outside, count))
    return found["uids"], found["gids"]


def _outside(mappings: list[Mapping], number: int) -> int:
    for inside, outside, count in mappings:
        if inside <= number < inside + count:
            return outside + number - inside
    raise BadSpec(f"id {number} is not mapped in the user namespace")
