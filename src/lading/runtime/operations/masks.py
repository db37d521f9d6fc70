"""Paths of /proc and /sys that a container may not read, or not write."""

from __future__ import annotations

import errno
import os
import stat

from lading.kernel import mount, safepath
from lading.runtime.operations.step import Operation, StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child

NULL = os.makedev(1, 3)


def open_existing(child: Child, path: str) -> int | None:
    """The place to cover, or None when this kernel does not have it."""
    try:
        return safepath.open_in_root(child.root, path, os.O_PATH)
    except (FileNotFoundError, NotADirectoryError):
        return None


class MaskPaths(Operation):
    """Cover files by /dev/null and directories by one empty read-only tmpfs."""

    __slots__ = ("paths",)

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def describe(self) -> str:
        return "mask " + " ".join(self.paths)

    def execute(self, child: Child) -> None:
        null = open_null()
        empty = -1
        for path in self.paths:
            target = open_existing(child, path)
            if target is None:
                continue
            if not stat.S_ISDIR(os.fstat(target).st_mode):
                cover = mount.clone_of(null)
            elif empty < 0:
                cover = empty = mount.detached(
                    "tmpfs", {"nr_blocks": "1", "nr_inodes": "1"}, mount.MOUNT_ATTR_RDONLY
                )
            else:
                cover = mount.clone_of(empty)
            mount.move_mount(cover, target)
            os.close(target)
            if cover != empty:
                os.close(cover)


def open_null() -> int:
    """The host's /dev/null, checked to be it: another inode would show its own (CVE-2025-31133).

    Opened in our own copy of the host's tree, before it is detached; only such a mount may be
    cloned.
    """
    descriptor = os.open("/dev/null", os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    status = os.fstat(descriptor)
    if not stat.S_ISCHR(status.st_mode) or status.st_rdev != NULL:
        raise StepFailed("the host's /dev/null is not the null device", errno.ENODEV)
    return descriptor


class ReadonlyPaths(Operation):
    """Bind each path on itself, read-only, with all that is mounted below."""

    __slots__ = ("paths",)

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def describe(self) -> str:
        return "make read-only " + " ".join(self.paths)

    def execute(self, child: Child) -> None:
        for path in self.paths:
            target = open_existing(child, path)
            if target is None:
                continue
            view = mount.clone_of(target, recursive=True)
            mount.mount_setattr(view, set=mount.MOUNT_ATTR_RDONLY, recursive=True)
            mount.move_mount(view, target)
            os.close(view)
            os.close(target)
