"""Where a bind comes from, as a detached mount: a path of the host, a part of it, or an image.

A part (`subpath`) is opened below a descriptor of the whole, so a link that somebody puts there,
before or meanwhile, cannot lead out of it (CVE-2017-1002101, CVE-2021-25741 of Kubernetes).
"""

from __future__ import annotations

import errno
import os

from lading.kernel import mount, safepath
from lading.runtime.operations.step import StepFailed


def clone_source(path: str, subpath: str = "", *, recursive: bool) -> int:
    """A detached bind mount of a path of the host. Raises FileNotFoundError, OSError."""
    if not subpath:
        flags = mount.OPEN_TREE_CLONE | (mount.AT_RECURSIVE if recursive else 0)
        return mount.open_tree(mount.AT_FDCWD, path, flags)
    root = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return clone_below(root, subpath, recursive=recursive)
    finally:
        os.close(root)


def clone_below(root: int, subpath: str, *, recursive: bool) -> int:
    """A detached bind mount of what is below a directory; links that leave it are refused."""
    resolve = safepath.RESOLVE_BENEATH | safepath.RESOLVE_NO_MAGICLINKS
    place = safepath.openat2(root, subpath, os.O_PATH, resolve=resolve)
    try:
        return mount.clone_of(place, recursive=recursive)
    finally:
        os.close(place)


def clone_image(layers: list[str], subpath: str = "") -> int:
    """The trees of an image, top first, as one detached mount that cannot be written to."""
    root = _stacked(layers)
    try:
        mount.mount_setattr(root, set=mount.MOUNT_ATTR_RDONLY)
        if not subpath:
            return os.dup(root)
        return clone_below(root, subpath, recursive=False)
    finally:
        os.close(root)


def _stacked(layers: list[str]) -> int:
    if len(layers) == 1:  # overlayfs wants two layers, or one to write to
        return mount.open_tree(mount.AT_FDCWD, layers[0], mount.OPEN_TREE_CLONE)
    context = mount.fsopen("overlay")
    try:
        for layer in layers:
            mount.fsconfig_set_string(context, "lowerdir+", layer)
        mount.fsconfig_set_string(context, "source", "overlay")
        mount.fsconfig_create(context)
        return mount.fsmount(context, mount.MOUNT_ATTR_RDONLY)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EINVAL):
            raise StepFailed("this kernel cannot mount images", error.errno) from error
        raise
    finally:
        os.close(context)
