"""The root of the container: where it comes from, and how it becomes "/"."""

from __future__ import annotations

import errno
import os

from lading.kernel import mount
from lading.runtime.operations.step import Operation, StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child

PAGE_SIZE = 4096  # the classic mount(2) reads at most this much of options


def finish_overlay(context: int, label: str) -> int:
    """What both ways by fsopen end with: the label, the source, and a detached mount.

    `context` has its directories, and stays the caller's. Raises OSError. man 2 fsconfig.
    """
    if label:
        mount.fsconfig_set_string(context, "context", label)
    mount.fsconfig_set_string(context, "source", "overlay")
    mount.fsconfig_create(context)
    return mount.fsmount(context)


class SetPropagation(Operation):
    """Cut the copied mount tree off from the host's, so that no mount of ours travels back."""

    __slots__ = ("flags", "name")

    def __init__(self, name: str, flags: int) -> None:
        self.name = name
        self.flags = flags

    def describe(self) -> str:
        return f"make / {self.name}"

    def execute(self, child: Child) -> None:
        mount.mount("none", "/", "", self.flags)


class PrivateMount(Operation):
    """The mount on which a directory is becomes private: pivot_root wants that of its parent."""

    __slots__ = ("directory",)

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def describe(self) -> str:
        return f"make the mount of {self.directory} private"

    def execute(self, child: Child) -> None:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            points = [line.split(" ")[4] for line in file]
        path = os.path.realpath(self.directory)
        above = [point for point in points if f"{path}/".startswith(point.rstrip("/") + "/")]
        mount.mount("none", max(above, key=len), "", mount.MS_PRIVATE)


class MountOverlay(Operation):
    """The layers of the image under the container's own directory, seen as one tree.

    Mounted here, in the container's own namespace, so that the host's mount table stays short.
    """

    __slots__ = ("directory", "label", "lower", "upper", "userxattr", "work")

    def __init__(
        self,
        directory: str,
        lower: list[str],
        upper: str | None,
        work: str | None,
        label: str = "",
        *,
        userxattr: bool = False,
    ) -> None:
        self.label = label  # SELinux's, of all files in it
        self.userxattr = userxattr
        self.directory = directory
        self.lower = lower
        self.upper = upper
        self.work = work

    def describe(self) -> str:
        layers = f"{len(self.lower)} lower" + (f", upper {self.upper}" if self.upper else "")
        label = f" labelled {self.label}" if self.label else ""
        return f"mount overlay ({layers}) on {self.directory}{label}"

    def execute(self, child: Child) -> None:
        child.take_root(self.mount())

    def mount(self) -> int:
        """Mount it; returns a descriptor of its root."""
        if self.upper and not self.lower:
            return self._bound(self.upper)
        try:
            root = self._detached()
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EINVAL):
                raise
            return self._classic()  # before Linux 6.5 there is no lowerdir+
        mount.move_mount(root, mount.AT_FDCWD, self.directory)
        return root

    def _bound(self, tree: str) -> int:
        """The container has a whole tree of its own, or no image: nothing is stacked."""
        root = mount.open_tree(mount.AT_FDCWD, tree, mount.OPEN_TREE_CLONE)
        mount.move_mount(root, mount.AT_FDCWD, self.directory)
        return root

    def _detached(self) -> int:
        context = mount.fsopen("overlay")
        try:
            for layer in self.lower:
                mount.fsconfig_set_string(context, "lowerdir+", layer)
            if self.upper and self.work:
                mount.fsconfig_set_string(context, "upperdir", self.upper)
                mount.fsconfig_set_string(context, "workdir", self.work)
            if self.userxattr:
                mount.fsconfig_set_flag(context, "userxattr")
            return finish_overlay(context, self.label)
        except OSError as error:
            error.filename = mount.message(context) or None
            raise
        finally:
            os.close(context)

    def _classic(self) -> int:
        """By mount(2), whose options are at most a page: so the paths are those from the layers'
        own directory, "12/fs", and 400 layers fit. We go there: nobody needs our directory yet.
        """
        place = os.path.commonpath([os.path.dirname(layer) for layer in self.lower])
        os.chdir(place)
        options = "lowerdir=" + ":".join(_below(layer, place) for layer in self.lower)
        if self.upper and self.work:
            options += f",upperdir={_below(self.upper, place)},workdir={_below(self.work, place)}"
        if self.userxattr:
            options += ",userxattr"
        if self.label:  # the categories have commas
            options += f',context="{self.label}"'
        if len(options) >= PAGE_SIZE:
            raise StepFailed("too many layers for this kernel", errno.E2BIG)
        mount.mount("overlay", self.directory, "overlay", 0, options)
        os.chdir("/")
        return os.open(self.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _below(path: str, place: str) -> str:
    """The shorter of the two ways to say it, for overlay's options."""
    relative = os.path.relpath(path, place)
    return escape(min(relative, path, key=len))


def escape(path: str) -> str:
    """A path within overlay's option string, where ":" and "," separate."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


class BindRoot(Operation):
    """A directory of the host as root, with what is mounted below it."""

    __slots__ = ("directory", "path")

    def __init__(self, path: str, directory: str) -> None:
        self.path = path
        self.directory = directory

    def describe(self) -> str:
        return f"bind {self.path} on {self.directory}"

    def execute(self, child: Child) -> None:
        flags = mount.OPEN_TREE_CLONE | mount.AT_RECURSIVE
        root = mount.open_tree(mount.AT_FDCWD, self.path, flags)
        mount.mount_setattr(root, propagation=mount.MS_PRIVATE, recursive=True)
        mount.move_mount(root, mount.AT_FDCWD, self.directory)
        child.take_root(root)


class AttachRoot(Operation):
    """A root that the parent has made, for want of our rights: see `parent_mounts`.

    Where we may not even reach the directory it is stacked on "/".
    """

    __slots__ = ("directory", "tree")

    def __init__(self, tree: int, directory: str) -> None:
        self.tree = tree
        self.directory = directory

    def describe(self) -> str:
        return f"attach the root that the parent made on {self.directory}"

    def execute(self, child: Child) -> None:
        mount.mount_setattr(self.tree, propagation=mount.MS_PRIVATE, recursive=True)
        try:
            mount.move_mount(self.tree, mount.AT_FDCWD, self.directory)
        except PermissionError:
            mount.move_mount(self.tree, mount.AT_FDCWD, "/")
        child.take_root(self.tree)


class ReadonlyRoot(Operation):
    """After every mount target was made; mounts in the root keep their own attributes."""

    __slots__ = ()

    def describe(self) -> str:
        return "make root read-only"

    def execute(self, child: Child) -> None:
        mount.mount_setattr(child.root, set=mount.MOUNT_ATTR_RDONLY)


class ChangeRoot(Operation):
    """For a container without a mount namespace of its own: only the view of "/" changes."""

    __slots__ = ()

    def describe(self) -> str:
        return "change root"

    def execute(self, child: Child) -> None:
        os.fchdir(child.root)
        os.chroot(".")
        os.chdir("/")


class PivotRoot(Operation):
    """The root becomes "/"; the host's tree is detached and gone. man 2 pivot_root, NOTES."""

    __slots__ = ("propagation",)

    def __init__(self, propagation: int = 0) -> None:
        self.propagation = propagation

    def describe(self) -> str:
        return "pivot root, detach the host's"

    def execute(self, child: Child) -> None:
        os.fchdir(child.root)
        mount.pivot_root(".", ".")
        mount.umount2(".", mount.MNT_DETACH)
        os.chdir("/")
        if self.propagation:
            mount.mount("none", "/", "", self.propagation)
