"""What is mounted in the root: new file systems, binds of host paths, the cgroup view.

Every target is opened inside the root first, and the mount is attached to that descriptor.
"""

from __future__ import annotations

import errno
import os
import stat

from lading.kernel import mount, safepath
from lading.runtime.operations import sources
from lading.runtime.operations.sources import clone_image
from lading.runtime.operations.step import Operation, StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.mount_options import MountOptions
    from lading.runtime.operations.step import Child

# links at these places in an image would send kernel file systems elsewhere (CVE-2019-19921)
STRICT = ("/proc", "/sys", "/dev")


def is_strict(destination: str) -> bool:
    return destination in STRICT or destination.startswith(("/proc/", "/sys/"))


def open_target(child: Child, destination: str) -> int:
    """The directory `destination` in the root, made if missing; a descriptor."""
    strict = is_strict(destination)
    try:
        return safepath.mkdir_in_root(child.root, destination, symlinks=not strict)
    except OSError as error:
        if not strict or error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        message = f"{destination} must be mounted on ordinary directory"
        raise StepFailed(message, error.errno) from error


def attach(child: Child, tree: int, destination: str, *, is_directory: bool = True) -> None:
    """Put a detached mount where it belongs, and close it."""
    if is_directory:
        target = open_target(child, destination)
    else:
        target = safepath.touch_in_root(child.root, destination)
    mount.move_mount(tree, target)
    os.close(target)
    os.close(tree)


class MountFilesystem(Operation):
    """A new file system: proc, sysfs, tmpfs, mqueue, devpts, cgroup2 or any that needs a source."""

    __slots__ = ("destination", "fstype", "options", "source")

    def __init__(self, fstype: str, source: str, destination: str, options: MountOptions) -> None:
        self.fstype = fstype
        self.source = source
        self.destination = destination
        self.options = options

    def describe(self) -> str:
        return f"mount {self.fstype} on {self.destination}{self.options.describe()}"

    def make(self, attributes: int | None = None) -> int:
        """The file system as a detached mount."""
        data = dict(self.options.data)
        data.setdefault("source", self.source or self.fstype)
        return mount.detached(
            self.fstype, data, self.options.set if attributes is None else attributes
        )

    def execute(self, child: Child) -> None:
        tree = self.make()
        if self.fstype == "tmpfs" and "mode" not in self.options.data:
            inherit_mode(child, self.destination, tree)
        if self.options.propagation:
            mount.mount_setattr(tree, propagation=self.options.propagation)
        attach(child, tree, self.destination)


def inherit_mode(child: Child, destination: str, tree: int) -> None:
    """A tmpfs without a mode looks like the directory that it covers, as with runc."""
    try:
        covered = safepath.open_in_root(child.root, destination, os.O_PATH | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=tree)
    os.fchmod(directory, stat.S_IMODE(os.fstat(covered).st_mode))
    os.close(directory)
    os.close(covered)


class BindMount(Operation):
    """A file or directory of the host, seen at another place."""

    __slots__ = ("destination", "layers", "options", "recursive", "source", "subpath", "tree")

    def __init__(
        self,
        source: str,
        destination: str,
        options: MountOptions,
        *,
        recursive: bool,
        tree: int = -1,
        subpath: str = "",
        layers: list[str] | None = None,
    ) -> None:
        self.tree = tree  # the parent has cloned it already
        self.subpath = subpath  # only this of the source
        self.layers = layers  # of an image, whose name is the source then
        self.source = source
        self.destination = destination
        self.options = options
        self.recursive = recursive

    def describe(self) -> str:
        kind = "rbind" if self.recursive else "bind"
        part = f" ({self.subpath})" if self.subpath else ""
        return f"{kind} {self.source}{part} on {self.destination}{self.options.describe()}"

    def execute(self, child: Child) -> None:
        options = self.options
        tree = self.tree if self.tree >= 0 else self._clone()
        if options.set or options.clear:
            mount.mount_setattr(tree, set=options.set, clear=options.clear)
        if options.recursive_set or options.recursive_clear:
            mount.mount_setattr(
                tree, set=options.recursive_set, clear=options.recursive_clear, recursive=True
            )
        is_directory = stat.S_ISDIR(os.fstat(tree).st_mode)
        if options.propagation:
            mount.mount_setattr(
                tree,
                propagation=options.propagation,
                recursive=self.recursive and options.propagation_recursive,
            )
        attach(child, tree, self.destination, is_directory=is_directory)

    def _clone(self) -> int:
        if self.layers:
            return clone_image(self.layers, self.subpath)
        return clone_source(self.source, self.subpath, recursive=self.recursive)


def clone_source(path: str, subpath: str = "", *, recursive: bool) -> int:
    """A detached bind mount of a path of the host. Raises StepFailed when there is none."""
    try:
        return sources.clone_source(path, subpath, recursive=recursive)
    except FileNotFoundError as error:
        message = f"bind source path does not exist: {path}{'/' if subpath else ''}{subpath}"
        raise StepFailed(message, error.errno or 0) from error


class MountCgroupV1(Operation):
    """The v1 view as Docker gives it: a tmpfs with each controller's own directory, read-only."""

    __slots__ = ("attributes", "controllers", "destination", "links", "trees")

    def __init__(
        self,
        destination: str,
        controllers: list[tuple[str, str]],
        links: list[tuple[str, str]],
        attributes: int,
        trees: dict[str, int] | None = None,
    ) -> None:
        self.trees = trees or {}  # directory -> what the parent has cloned already
        self.destination = destination
        self.controllers = controllers  # (name, directory on the host)
        self.links = links  # (name, target) for controllers mounted together
        self.attributes = attributes

    def describe(self) -> str:
        names = " ".join(name for name, _ in self.controllers)
        mode = "ro" if self.attributes & mount.MOUNT_ATTR_RDONLY else "rw"
        return f"mount cgroup v1 ({names}) on {self.destination} {mode}"

    def execute(self, child: Child) -> None:
        tree = mount.detached("tmpfs", {"mode": "755", "size": "64k"}, self.attributes_of_tmpfs())
        for name, _ in self.controllers:
            os.mkdir(name, 0o755, dir_fd=tree)
        for name, target in self.links:
            os.symlink(target, name, dir_fd=tree)
        target_fd = open_target(child, self.destination)
        mount.move_mount(tree, target_fd)
        os.close(target_fd)
        for name, directory in self.controllers:
            view = self.trees.get(f"cgroup:{directory}", -1)
            if view < 0:
                view = mount.open_tree(mount.AT_FDCWD, directory)
            mount.mount_setattr(view, set=self.attributes)
            mount.move_mount(view, tree, name)
            os.close(view)
        if self.attributes & mount.MOUNT_ATTR_RDONLY:
            mount.mount_setattr(tree, set=mount.MOUNT_ATTR_RDONLY)
        os.close(tree)

    def attributes_of_tmpfs(self) -> int:
        return self.attributes & ~mount.MOUNT_ATTR_RDONLY
