"""Where a bind comes from, as a detached mount: a path of the host, a part of it, or an image.

A part (`subpath`) is opened below a descriptor of the whole, so a link that somebody puts there,
before or meanwhile, cannot lead out of it (CVE-2017-1002101, CVE-2021-25741 of Kubernetes).
"""

from __future__ import annotations

import errno
import os

from lading.kernel import mount, safepath
from lading.runtime.operations.step import StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Layer = TypeVar("Layer", str, int)

LAYER = "lowerdir+"


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


def clone_image(layers: list[str], subpath: str = "", *, users: int = -1) -> int:
    """The trees of an image, top first, as one detached mount that cannot be written to.

    With `users`, a user namespace, its ids are mapped as there.
    """
    root = _stacked(layers) if users < 0 else _stacked_mapped(layers, users)
    try:
        mount.mount_setattr(root, set=mount.MOUNT_ATTR_RDONLY)
        if not subpath:
            return os.dup(root)
        return clone_below(root, subpath, recursive=False)
    finally:
        os.close(root)


def _stacked_mapped(layers: list[str], users: int) -> int:
    trees = []
    try:
        for layer in layers:
            trees.append(mount.open_tree(mount.AT_FDCWD, layer))
            mount.mount_setattr(trees[-1], set=mount.MOUNT_ATTR_IDMAP, userns=users)
        if len(trees) == 1:
            return trees.pop()
        return _overlay(lambda context, tree: mount.fsconfig_set_fd(context, LAYER, tree), trees)
    finally:
        for tree in trees:
            os.close(tree)


def _stacked(layers: list[str]) -> int:
    if len(layers) == 1:  # overlayfs wants two layers, or one to write to
        return mount.open_tree(mount.AT_FDCWD, layers[0], mount.OPEN_TREE_CLONE)
    return _overlay(lambda context, path: mount.fsconfig_set_string(context, LAYER, path), layers)


def _overlay(add: Callable[[int, Layer], None], layers: list[Layer]) -> int:
    context = mount.fsopen("overlay")
    try:
        for layer in layers:
            add(context, layer)
        mount.fsconfig_set_string(context, "source", "overlay")
        mount.fsconfig_create(context)
        return mount.fsmount(context, mount.MOUNT_ATTR_RDONLY)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EINVAL):
            raise StepFailed("this kernel cannot mount images", error.errno) from error
        raise
    finally:
        os.close(context)
