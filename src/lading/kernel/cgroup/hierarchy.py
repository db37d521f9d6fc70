"""Which cgroup hierarchies are mounted, and where.

Three layouts exist: v1 (each controller, or pair, a tree of its own), v2 (one tree), and hybrid (v1
for the controllers, beside it a v2 tree that has none or a few and serves to kill and freeze).
Containers get their group at the root of each mount, beside and not below the engine's own group,
so that stopping the engine's service does not stop containers.
"""

from __future__ import annotations

import os

from lading.kernel import namespaces

LEAF = "lading-engine"  # the group of an engine of a plain user, below the one that it was given


class Hierarchies:
    """Mount points: `v1` by controller name (named trees as `name=systemd`), `v2` or None."""

    __slots__ = ("_v2_controllers", "v1", "v2")

    def __init__(self, v1: dict[str, str], v2: str | None) -> None:
        self.v1 = v1
        self.v2 = v2
        self._v2_controllers: frozenset[str] | None = None if v2 else frozenset()

    def v1_trees(self) -> list[str]:
        """The distinct v1 mount points: cpu and cpuacct often share one."""
        return list(dict.fromkeys(self.v1.values()))

    def is_unified(self) -> bool:
        """Whether limits are set in the v2 tree: no v1 tree has a controller."""
        return self.v2 is not None and all(name.startswith("name=") for name in self.v1)

    def v2_controllers(self) -> frozenset[str]:
        """The controllers that the v2 tree has at its root, read once; empty without one."""
        if self._v2_controllers is None:
            self._v2_controllers = frozenset(read_text(f"{self.v2}/cgroup.controllers").split())
        return self._v2_controllers


def hierarchies(mountinfo: str = "/proc/self/mountinfo") -> Hierarchies:
    """The hierarchies mounted in this mount namespace, as far as we may make groups in them: root
    of a user namespace finds none, unless somebody gave it one.
    """
    trees = parse_mountinfo(read_text(mountinfo))
    if not namespaces.in_user_namespace():
        return trees
    v1 = {name: place for name, place in trees.v1.items() if os.access(place, os.W_OK)}
    v2 = trees.v2
    if v2 is not None and not os.access(v2, os.W_OK):
        v2 = delegated(v2, read_text("/proc/self/cgroup"))
    return Hierarchies(v1, v2)


def own_v2(groups: str) -> str:
    """The v2 path in a /proc/PID/cgroup, "" for the root. man 7 cgroups."""
    for line in groups.splitlines():
        if line.startswith("0::"):
            return line.removeprefix("0::").rstrip("/")
    return ""


def delegated(mount: str, groups: str) -> str | None:
    """The part of the v2 tree that was handed to us, to be used like a tree of its own: the group
    above the leaf that we are in, if it is ours to change.
    """
    path, _, leaf = own_v2(groups).rpartition("/")
    place = mount + path
    if leaf != LEAF or not path:
        return None
    files = (f"{place}/{name}" for name in ("", "cgroup.procs", "cgroup.subtree_control"))
    return place if all(os.access(file, os.W_OK) for file in files) else None


def parse_mountinfo(text: str) -> Hierarchies:
    """Pick the cgroup mounts out of a mountinfo; of a tree mounted twice the first counts.

    36 35 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory   (man 5 proc)
    """
    v1: dict[str, str] = {}
    v2: str | None = None
    for line in text.splitlines():
        mount, separator, source = line.partition(" - ")
        if not separator or not source.startswith("cgroup"):
            continue
        point = _unescape(mount.split(" ")[4])
        kind, _, options = source.split(" ", 2)
        if kind == "cgroup2":
            v2 = v2 or point
        elif kind == "cgroup":
            for option in options.split(","):
                if option not in _NOT_CONTROLLERS and not option.startswith(_NOT_PREFIXES):
                    v1.setdefault(option, point)
    return Hierarchies(v1, v2)


def read_text(path: str) -> str:
    """The whole text of a file of procfs or cgroupfs, whose sizes say nothing."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(descriptor, 65536):
            pieces.append(piece)
    finally:
        os.close(descriptor)
    return b"".join(pieces).decode("utf-8", "surrogateescape")


# Mount options that stand beside the controllers (kernel/cgroup/cgroup-v1.c, cgroup1_show_options).
_NOT_CONTROLLERS = frozenset(("rw", "ro", "noprefix", "xattr", "clone_children", "favordynmods"))
_NOT_PREFIXES = ("release_agent=", "cpuset_v2_mode")


def _unescape(path: str) -> str:
    r"""Mountinfo writes space, tab, newline and backslash as \040 \011 \012 \134."""
    if "\\" not in path:
        return path
    pieces = path.split("\\")
    return pieces[0] + "".join(chr(int(piece[:3], 8)) + piece[3:] for piece in pieces[1:])
