"""The root of a container in a user namespace: its layers, id-mapped, under one overlay.

What is on disk has the ids of inside, so layers are shared by all containers, and none is ever
chowned. The overlay is mounted by a process that is the container's root on the host but keeps its
rights: what overlayfs itself makes (whiteouts, its work directory) is made in the mounter's name,
and through an id-mapped mount nobody can make a file whose ids the mapping lacks.
"""

from __future__ import annotations

import errno
import os

from lading.errors import NotSupported
from lading.kernel import capabilities, mount, namespaces, process
from lading.runtime import messages
from lading.runtime.operations.rootfs import finish_overlay
from lading.runtime.operations.step import StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.spec import Overlay

# what a kernel says to layers that are descriptors: before 6.13 it takes none, before 6.15 no
# detached ones
_NO_DESCRIPTORS = (errno.EINVAL, errno.EBADF, errno.ENOSYS)


class NoIdMappedMounts(NotSupported):
    """{0} cannot be mounted with other ids: {1} (id-mapped mounts need Linux 5.12, overlays of \
them 5.19, and a file system such as ext4, xfs, btrfs or tmpfs)"""


def make(
    overlay: Overlay, users: int, owner: tuple[int, int], directory: str, *, label: str = ""
) -> int:
    """The root as a detached mount. `users`: the user namespace; `owner`: who is its root on the
    host; `directory`: an empty place to mount on; `label`: SELinux's of all files.
    Raises NoIdMappedMounts, StepFailed.
    """
    upper, work = overlay.get("upper"), overlay.get("work")
    if not upper:
        raise StepFailed("a container in a user namespace needs a writable layer", errno.EINVAL)
    if not overlay["lower"] or not work:
        return mapped(upper, users)
    layers = [mapped(layer, users) for layer in overlay["lower"]]
    place = mapped(os.path.dirname(upper), users)
    names = os.path.basename(upper), os.path.basename(work)
    try:
        return _in_a_process_of(owner, Stack(layers, place, names, label), directory)
    finally:
        for descriptor in (*layers, place):
            os.close(descriptor)


def mapped(path: str, users: int) -> int:
    """A detached mount of a directory that shows its ids as the user namespace maps them."""
    tree = mount.open_tree(mount.AT_FDCWD, path)
    try:
        mount.mount_setattr(tree, set=mount.MOUNT_ATTR_IDMAP, userns=users)
    except OSError as error:
        os.close(tree)
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        raise NoIdMappedMounts(path, error.strerror) from error
    return tree


class Stack:
    """What an overlay is made of: `layers`, top first, below `names` in `place`, the upper and the
    work directory, which have to be of one mount.
    """

    __slots__ = ("label", "layers", "names", "place")

    def __init__(
        self, layers: list[int], place: int, names: tuple[str, str], label: str = ""
    ) -> None:
        self.layers = layers
        self.place = place
        self.names = names
        self.label = label


def _in_a_process_of(owner: tuple[int, int], parts: Stack, directory: str) -> int:
    ours, theirs = messages.pair()
    pid = os.fork()
    if pid == 0:
        try:
            become(owner)
            messages.send(theirs, {}, [stack(parts, directory)])
        except OSError as error:
            text = f"mount overlay: {(error.strerror or str(error)).lower()}"
            text += f" ({error.filename})" if error.filename else ""
            messages.send(theirs, {"failed": text, "errno": error.errno or 0})
        finally:
            os._exit(0)
    theirs.close()
    answer, fds = messages.receive(ours)
    ours.close()
    os.waitpid(pid, 0)
    if not answer and not fds:
        raise StepFailed("mount overlay: its process was killed", errno.EIO)
    if not fds:
        assert answer is not None  # else the line above
        raise StepFailed(answer["failed"], answer["errno"])
    return fds[0]


def become(owner: tuple[int, int]) -> None:
    """Another user with the same capabilities."""
    mask = capabilities.to_mask(capabilities.available())
    process.prctl(process.PR_SET_KEEPCAPS, 1)
    process.set_ids(*owner, [])
    process.capset(mask, mask, 0)


def stack(parts: Stack, directory: str) -> int:
    """The overlay as a detached mount."""
    try:
        return _by_descriptors(parts)
    except OSError as error:
        if error.errno not in _NO_DESCRIPTORS:
            raise
    return by_paths(parts, directory)


def _by_descriptors(parts: Stack) -> int:
    context = mount.fsopen("overlay")
    try:
        for layer in parts.layers:
            mount.fsconfig_set_fd(context, "lowerdir+", layer)
        for key, name in zip(("upperdir", "workdir"), parts.names, strict=True):
            flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
            directory = os.open(name, flags, dir_fd=parts.place)
            mount.fsconfig_set_fd(context, key, directory)
            os.close(directory)
        return finish_overlay(context, parts.label)
    except OSError as error:
        error.filename = mount.message(context) or None
        raise
    finally:
        os.close(context)


def by_paths(parts: Stack, directory: str) -> int:
    """The same on older kernels: in a mount namespace of our own the layers get short paths."""
    namespaces.unshare(namespaces.CLONE_NEWNS)
    mount.mount("none", "/", "", mount.MS_REC | mount.MS_PRIVATE)
    mount.mount("tmpfs", directory, "tmpfs", 0, "mode=755")
    os.chdir(directory)
    for number, layer in enumerate((*parts.layers, parts.place)):
        os.mkdir(str(number))
        mount.move_mount(layer, mount.AT_FDCWD, str(number))
    lower = ":".join(map(str, range(len(parts.layers))))
    top, (upper, work) = len(parts.layers), parts.names
    options = f"lowerdir={lower},upperdir={top}/{upper},workdir={top}/{work}"
    if parts.label:
        options += f',context="{parts.label}"'
    os.mkdir("root")
    mount.mount("overlay", "root", "overlay", 0, options)
    return mount.open_tree(mount.AT_FDCWD, "root")
