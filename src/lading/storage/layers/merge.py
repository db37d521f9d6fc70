"""A layer's own tree, with overlayfs's marks, laid over a merged tree: what overlayfs would show.

For snapshot drivers that have no overlay: files are copied (or only shared, see `storage.clone`),
whiteouts remove, an opaque directory empties what is below it first. Both trees are ours, on one
file system, and nobody else looks.
"""

import os
import stat

from lading.storage import clone, trees
from lading.storage.layers import attributes, whiteout

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def merge(upper: int, target: int) -> None:
    """Lay the tree of the descriptor `upper` over that of `target`."""
    _Merge(target).directory(upper, target, "")


class _Merge:
    def __init__(self, root: int) -> None:
        self._copier = clone.Copier(root)

    def directory(self, upper: int, target: int, path: str) -> None:
        if whiteout.is_opaque(upper):
            for name in os.listdir(target):
                trees.remove_tree(target, name)
        for name in os.listdir(upper):
            self._member(upper, target, name, f"{path}{name}")
        attributes.copy_from(upper, os.fstat(upper), target)

    def _member(self, upper: int, target: int, name: str, path: str) -> None:
        status = os.stat(name, dir_fd=upper, follow_symlinks=False)
        if whiteout.is_whiteout(status):
            trees.remove_tree(target, name)
        elif stat.S_ISDIR(status.st_mode):
            self._subdirectory(upper, target, name, path)
        else:
            trees.remove_tree(target, name)
            self._copier.member(upper, target, name, path, status)

    def _subdirectory(self, upper: int, target: int, name: str, path: str) -> None:
        if not _is_directory(target, name):
            trees.remove_tree(target, name)
            os.mkdir(name, 0o700, dir_fd=target)
        source = os.open(name, _DIRECTORY, dir_fd=upper)
        try:
            below = os.open(name, _DIRECTORY, dir_fd=target)
            try:
                self.directory(source, below, f"{path}/")
            finally:
                os.close(below)
        finally:
            os.close(source)


def _is_directory(parent: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
