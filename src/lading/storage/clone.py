"""Copying a whole tree, by descriptors: every attribute, hard links as hard links.

File data is shared with the original where the file system can (FICLONE on btrfs and xfs), and
copied in the kernel elsewhere; holes stay holes. Links are never followed. The tree must not change
meanwhile.
"""

import errno
import fcntl
import os
import stat

from lading.storage.extents import extents
from lading.storage.layers import attributes

FICLONE = 0x40049409  # include/uapi/linux/fs.h: _IOW(0x94, 9, int)
STEP = 1 << 30  # bytes per copy_file_range(2)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CANNOT_CLONE = frozenset({errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY})


def copy_tree(source: int, target: int) -> None:
    """Copy what is in one directory into another, empty one, with the directory's attributes."""
    Copier(target).directory(source, target)


class Copier:
    """Copies into one tree; remembers the files with several names."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._links: dict[tuple[int, int], str] = {}  # files with several names: the first copy
        self._can_clone = True
        self._can_copy_range = True

    def directory(self, source: int, target: int, path: str = "") -> None:
        """What is in a directory, and its attributes."""
        for name in os.listdir(source):
            status = os.stat(name, dir_fd=source, follow_symlinks=False)
            self.member(source, target, name, f"{path}{name}", status)
        attributes.copy_from(source, os.fstat(source), target)

    def member(
        self, source: int, target: int, name: str, path: str, status: os.stat_result
    ) -> None:
        """One thing and what is below it; `path` is where it will be below the root."""
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            self._subdirectory(source, target, name, path)
            return
        if status.st_nlink > 1:
            first = self._links.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                self._link(first, target, name)
                return
        if stat.S_ISREG(status.st_mode):
            self._file(source, target, name, status)
        elif stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            _finish(target, name, status)
        else:
            os.mknod(name, status.st_mode, status.st_rdev, dir_fd=target)
            os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=target)
            _finish(target, name, status)

    def _subdirectory(self, source: int, target: int, name: str, path: str) -> None:
        below = os.open(name, _DIRECTORY, dir_fd=source)
        try:
            made = os.open(name, _DIRECTORY, dir_fd=target)
            try:
                self.directory(below, made, f"{path}/")
            finally:
                os.close(made)
        finally:
            os.close(below)

    def _link(self, first: str, target: int, name: str) -> None:
        """The first copy is ours and behind no link: a path below the root says where it is."""
        os.link(first, name, src_dir_fd=self._root, dst_dir_fd=target, follow_symlinks=False)

    def _file(self, source: int, target: int, name: str, status: os.stat_result) -> None:
        original = os.open(name, _FILE, dir_fd=source)
        try:
            copy = os.open(name, _NEW, 0o600, dir_fd=target)
            try:
                self._data(original, copy, status.st_size)
                attributes.copy_from(original, status, copy)
            finally:
                os.close(copy)
        finally:
            os.close(original)

    def _data(self, original: int, copy: int, size: int) -> None:
        if self._can_clone and size:
            try:
                fcntl.ioctl(copy, FICLONE, original)
                return
            except OSError as error:
                if error.errno not in _CANNOT_CLONE:
                    raise
                self._can_clone = False
        for start, end in extents(original, size):
            os.lseek(original, start, os.SEEK_SET)
            os.lseek(copy, start, os.SEEK_SET)
            self._extent(original, copy, end - start)
        os.ftruncate(copy, max(size, os.lseek(copy, 0, os.SEEK_CUR)))  # a hole at the end

    def _extent(self, original: int, copy: int, length: int) -> None:
        """Copy so many bytes from where both descriptors are, or as many as there are."""
        while length > 0:
            moved = self._move(original, copy, min(length, STEP))
            if not moved:
                return
            length -= moved

    def _move(self, original: int, copy: int, length: int) -> int:
        if self._can_copy_range:
            try:
                return os.copy_file_range(original, copy, length)
            except OSError as error:  # EXDEV: between kinds of file systems, as from an overlay
                if error.errno not in _CANNOT_CLONE:
                    raise
                self._can_copy_range = False
        return os.sendfile(copy, original, None, length)


def _finish(target: int, name: str, status: os.stat_result) -> None:
    os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=target)  # a chown clears suid bits
    times = (status.st_mtime_ns, status.st_mtime_ns)
    os.utime(name, ns=times, dir_fd=target, follow_symlinks=False)
