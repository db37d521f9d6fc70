"""Hard links of an archive: to files of the same layer, or of a lower one, which is copied up.

On overlayfs a link cannot cross layers, so the layer that brings the link brings the file, too:
what the kernel itself does when somebody makes a link in a container.
"""

import errno
import os
import stat

from lading.storage.layers import attributes, whiteout
from lading.storage.layers.create import CREATE
from lading.storage.layers.tar_entry import TarEntry
from lading.storage.layers.tree import HostileArchive, Tree

_COPY_BYTES = 1 << 20


def link(tree: Tree, physical: bytes, name: bytes, entry: TarEntry) -> int:
    """Make `name` in the directory `physical` a hard link to entry.link; returns bytes copied up.

    Raises HostileArchive, FileNotFoundError when there is no such file to link to.
    """
    source, source_path, source_name = tree.place(entry.link)
    if not source_name:
        raise HostileArchive(entry.path, "hard link to the root directory")
    parent = tree.directory(physical)
    copied = 0
    if not _is_here(source, source_name):
        if tree.lowers is None:
            tree.needs_lower = True
            return 0
        copied = _copy_up(tree, source, source_path, source_name, entry)
    try:
        os.link(source_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
    except FileExistsError:
        if _is_below(source_path, physical + b"/" + name if physical else name):
            raise HostileArchive(entry.path, "hard link over its own target") from None
        _link_over(tree, source, source_name, parent, physical, name)
    return copied


def _is_here(directory: int, name: bytes) -> bool:
    """Whether this layer has a file of that name (a whiteout is none)."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if whiteout.is_whiteout(status):
        raise FileNotFoundError(errno.ENOENT, "hard link to a file that is removed here")
    return True


def _link_over(
    tree: Tree, source: int, source_name: bytes, parent: int, physical: bytes, name: bytes
) -> None:
    old = os.stat(name, dir_fd=parent, follow_symlinks=False)
    new = os.stat(source_name, dir_fd=source, follow_symlinks=False)
    if old.st_ino == new.st_ino:  # a repeated entry
        return
    tree.remove(parent, physical, name)
    os.link(source_name, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)


def _copy_up(tree: Tree, parent: int, physical: bytes, name: bytes, entry: TarEntry) -> int:
    """Bring a lower layer's file into this one, to be linked to; returns its bytes."""
    found = tree.find_lower(physical + b"/" + name if physical else name)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, "hard link to a file that does not exist")
    try:
        status = found.status
        if stat.S_ISREG(status.st_mode):
            return _copy_file(found.reopen(), status, parent, name)
        if stat.S_ISLNK(status.st_mode):
            os.symlink(found.readlink(), name, dir_fd=parent)
            os.chown(name, status.st_uid, status.st_gid, dir_fd=parent, follow_symlinks=False)
            times = (status.st_mtime_ns, status.st_mtime_ns)
            os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)
            return 0
        raise HostileArchive(entry.path, "hard link to a special file of a lower layer")
    finally:
        os.close(found.descriptor)


def _copy_file(source: int, status: os.stat_result, parent: int, name: bytes) -> int:
    size = 0
    target = os.open(name, CREATE, 0o600, dir_fd=parent)
    try:
        while copied := os.copy_file_range(source, target, _COPY_BYTES):
            size += copied
        attributes.copy_from(source, status, target)
        return size
    finally:
        os.close(source)
        os.close(target)


def _is_below(path: bytes, directory: bytes) -> bool:
    return path == directory or path.startswith(directory + b"/")
