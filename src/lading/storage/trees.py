"""Whole directory trees, by descriptors: removed, measured. Links are never followed.

Trees here are what containers leave behind: any depth, any names, perhaps with something mounted in
them. So a tree is walked with one descriptor per level and few levels at a time, and nothing on
another mount is ever touched (RESOLVE_NO_XDEV, which also stops at bind mounts of the same disk).
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator

from lading.kernel import safepath

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SAME_MOUNT = safepath.RESOLVE_NO_XDEV | safepath.RESOLVE_NO_SYMLINKS | safepath.RESOLVE_BENEATH
LEVELS = 64  # deeper directories are first moved up, next to the tree that is being removed


def open_directory(parent: int, name: str) -> int:
    """A directory below `parent`, on the same mount; OSError EXDEV, ELOOP, ENOTDIR otherwise."""
    return safepath.openat2(parent, name, _DIRECTORY, resolve=_SAME_MOUNT)


def remove_tree(parent: int, name: str) -> None:
    """Remove `name` in `parent` and everything below it, bottom-up.

    Raises OSError (EXDEV, EBUSY when something is mounted in it) and leaves the rest in place;
    what is gone already is no error. Directories below LEVELS are moved into `parent` first, so
    `parent` should be a directory of ours where such leftovers are found again.
    """
    moved = [name]
    while moved:
        _remove(parent, moved.pop(), moved)


def _remove(parent: int, name: str, moved: list[str]) -> None:
    try:
        top = open_directory(parent, name)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        os.unlink(name, dir_fd=parent)
        return
    try:
        _empty(top, parent, moved, LEVELS)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def _empty(directory: int, root: int, moved: list[str], levels: int) -> None:
    """Remove what is in a directory; subdirectories that are too deep are moved to `root`."""
    with os.scandir(directory) as entries:
        names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in names:
        if not is_directory:
            _unlink(directory, name)
        elif levels == 0:
            away = f"deep.{secrets.token_hex(8)}"
            os.rename(name, away, src_dir_fd=directory, dst_dir_fd=root)
            moved.append(away)
        else:
            child = open_directory(directory, name)
            try:
                _empty(child, root, moved, levels - 1)
            finally:
                os.close(child)
            os.rmdir(name, dir_fd=directory)


def _unlink(directory: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return


def measure(directory: int) -> tuple[int, int]:
    """Bytes of regular files (each hard link counted once) and number of inodes below."""
    seen: set[int] = set()
    size = 0
    for status in _walk(directory):
        if status.st_ino not in seen:
            seen.add(status.st_ino)
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return size, len(seen)


def _walk(directory: int) -> Iterator[os.stat_result]:
    """The status of everything below, whatever its depth; of a mount only its mount point."""
    pending = [""]
    while pending:
        path = pending.pop()
        try:
            opened = open_directory(directory, path or ".")
        except OSError:  # gone meanwhile, or on another mount
            continue
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    status = _status(entry)
                    if status is None:
                        continue
                    yield status
                    if stat.S_ISDIR(status.st_mode):
                        pending.append(f"{path}/{entry.name}" if path else entry.name)
        finally:
            os.close(opened)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
