"""The local driver: a directory of ours, or whatever mount(8) can mount on one.

Without options a volume is a directory and needs no mount at all. With `type` and `device` the file
system is mounted on that directory in the host's view when the first container starts, and
unmounted when the last has ended. It is attached to a descriptor, never to a path.
"""

import errno
import os
from collections.abc import Mapping

from lading.failpoints import fp
from lading.kernel import mount
from lading.volumes import names
from lading.volumes.directories import Directories
from lading.volumes.drivers import local_options
from lading.volumes.drivers.local_options import Filesystem
from lading.volumes.record import CannotMount, Volume

_PATH = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalDriver:
    """Volumes of this host."""

    scope = "local"
    timeout_s = 300.0  # a server of NFS that does not answer

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    def check(self, name: str, options: Mapping[str, str]) -> None:
        """Raises InvalidVolumeName, ShortVolumeName, InvalidOption."""
        names.check(name)
        local_options.check(name, options)

    def create(self, name: str, options: Mapping[str, str]) -> None:
        """Make the directory, durably; the options are the record's business."""
        self._directories.make(name, local_options.owner_of(name, options))

    def remove(self, volume: Volume) -> None:
        """Unmount what is still mounted, and discard the directory."""
        self._unmount(self.path(volume))
        self._directories.discard(volume.name)

    def path(self, volume: Volume) -> str:
        """Always the same, mounted or not."""
        return self._directories.path(volume.name)

    def needs_mount(self, volume: Volume) -> bool:
        """Whether there is a file system to mount."""
        return local_options.filesystem_of(volume.options or {}) is not None

    def mount(self, volume: Volume, user: str) -> str:
        """Mount it unless it is. Raises CannotMount."""
        path = self.path(volume)
        asked = local_options.filesystem_of(volume.options or {})
        if asked is None or is_mount_point(path):
            return path
        try:
            _mount(asked, path)
        except OSError as error:
            reason = (error.filename and f"{error.filename}: ") or ""
            words = f"failed to mount local volume: mount {asked.device}:{path}: "
            text = f"{words}{reason}{os.strerror(error.errno or 0).lower()}"
            raise CannotMount(path, text) from error
        fp("volume.after-mount")
        return path

    def unmount(self, volume: Volume, user: str, *, is_last: bool) -> None:
        """Unmount after the last user."""
        if is_last and self.needs_mount(volume):
            self._unmount(self.path(volume))
            fp("volume.after-unmount")

    def status(self, volume: Volume) -> dict[str, object]:
        """Nothing beside the record."""
        return {}

    def volumes(self) -> list[str]:
        """None: all have records."""
        return []

    def close(self) -> None:
        """Nothing is open."""

    def _unmount(self, path: str) -> None:
        """Unmount whatever is on the directory; nothing is no error."""
        while is_mount_point(path):
            try:
                mount.umount2(path, mount.UMOUNT_NOFOLLOW)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                # somebody on the host stands in it: out of sight now, gone when they leave
                mount.umount2(path, mount.MNT_DETACH | mount.UMOUNT_NOFOLLOW)


def is_mount_point(path: str) -> bool:
    """Whether something is mounted on a directory of ours, by the kernel's table of mounts.

    A bind of the same file system has the same device number, so that would not tell.
    """
    return path in mount_points()


def mount_points() -> set[str]:
    """Every mount point in our view, unescaped. man 5 proc_pid_mountinfo."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return {_unescape(line.split(" ")[4]) for line in file}


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, letter)
    return text


def _mount(asked: Filesystem, path: str) -> None:
    target = os.open(path, _PATH)
    try:
        tree = _tree(asked)
        try:
            if asked.propagation:
                mount.mount_setattr(tree, propagation=asked.propagation)
            mount.move_mount(tree, target)
        finally:
            os.close(tree)
    finally:
        os.close(target)


def _tree(asked: Filesystem) -> int:
    """The file system as a detached mount."""
    if not asked.is_bind:
        data = {"source": asked.device, **asked.data}
        return mount.detached(asked.fstype, data, asked.attributes)
    flags = mount.OPEN_TREE_CLONE | (mount.AT_RECURSIVE if asked.is_recursive else 0)
    tree = mount.open_tree(mount.AT_FDCWD, asked.device, flags)
    if asked.attributes:
        mount.mount_setattr(tree, set=asked.attributes, recursive=asked.is_recursive)
    return tree
