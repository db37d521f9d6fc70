"""Paths inside trees that somebody else controls: containers' roots, archives, /proc.

A string that was checked is not the file that is opened later: between the two, whoever owns the
tree can swap a component for a symbolic link. So a path is resolved once, by the kernel, relative
to a descriptor of the root, and what comes back is a descriptor. Nobody else in the project may
call `open`, `os.open` or `os.mkdir` on such paths. man 2 openat2.

    open_in_root    links are followed, but "/" and ".." stop at the root, as after chroot
    mkdir_in_root   the same for directories that are missing
    proc_open       a file of procfs, in a mount of our own that nobody could cover or replace
"""

import errno
import os
import struct

from lading.kernel import mount
from lading.kernel.c_types import c_char_p, c_int, c_size_t
from lading.kernel.syscall import function

MAX_LINKS = 40  # as the kernel, path_resolution(7)
RESOLVE_NO_XDEV = 0x01  # include/uapi/linux/openat2.h
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

_open_how = struct.Struct("QQQ")  # struct open_how: flags, mode, resolve
_openat2 = function("openat2", c_int, c_char_p, c_char_p, c_size_t)
_procfs: list[tuple[int, int]] = []  # at most one: (pid that mounted it, descriptor)


def openat2(directory: int, path: str, flags: int, *, mode: int = 0, resolve: int = 0) -> int:
    """Open `path` relative to the descriptor; O_CLOEXEC is added. man 2 openat2."""
    how = _open_how.pack(flags | os.O_CLOEXEC, mode, resolve)
    while True:
        try:
            return _openat2(directory, os.fsencode(path), how, _open_how.size)
        except OSError as error:
            # EAGAIN: a rename raced with ".."; the kernel asks to try again (RESOLVE_IN_ROOT)
            if error.errno != errno.EAGAIN:
                error.filename = path
                raise


def open_in_root(root: int, path: str, flags: int, mode: int = 0, *, symlinks: bool = True) -> int:
    """Open a path as a process chrooted to `root` would see it; returns a descriptor.

    Raises OSError: ENOENT, ELOOP for a symbolic link when `symlinks` is false, EXDEV never.
    """
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
    if not symlinks:
        resolve |= RESOLVE_NO_SYMLINKS
    return openat2(root, path, flags, mode=mode, resolve=resolve)


def mkdir_in_root(
    root: int, path: str, mode: int = 0o755, *, symlinks: bool = True, depth: int = MAX_LINKS
) -> int:
    """A descriptor (O_PATH) of the directory `path`, made with its parents where missing.

    Links are followed inside the root, and where one leads to nothing, that is made: images have
    links into directories that are filled later. A file in the way is an error.
    """
    flags = os.O_PATH | os.O_DIRECTORY
    try:
        return open_in_root(root, path, flags, symlinks=symlinks)
    except FileNotFoundError:
        parent, _, name = path.rstrip("/").rpartition("/")
    if name in ("", ".", "..") or not depth:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    directory = mkdir_in_root(root, parent or "/", mode, symlinks=symlinks, depth=depth - 1)
    try:
        _mkdirat(directory, name, mode)
        target = _link_target(directory, name) if symlinks else None
        if target is not None:
            where = os.path.join(parent, target)  # a link's text is relative to its directory
            return mkdir_in_root(root, where, mode, depth=depth - 1)
        return openat2(directory, name, flags | os.O_NOFOLLOW, resolve=RESOLVE_BENEATH)
    finally:
        os.close(directory)


def _mkdirat(directory: int, name: str, mode: int) -> None:
    try:
        os.mkdir(name, mode, dir_fd=directory)
    except FileExistsError:  # somebody was quicker; or it is a link that leads to nothing
        return


def _link_target(directory: int, name: str) -> str | None:
    """The text of a symbolic link, None when it is none. Raises ELOOP for procfs's magic ones."""
    try:
        target = os.readlink(name, dir_fd=directory)
    except OSError:
        return None
    try:
        resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS
        os.close(openat2(directory, name, os.O_PATH, resolve=resolve))
    except FileNotFoundError:
        return target
    return target


def touch_in_root(root: int, path: str, mode: int = 0o644, *, depth: int = MAX_LINKS) -> int:
    """A descriptor (O_PATH) of `path`; an empty file is made there when nothing is."""
    try:
        return open_in_root(root, path, os.O_PATH)
    except FileNotFoundError:
        parent, _, name = path.rpartition("/")
    if not depth:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    directory = mkdir_in_root(root, parent or "/")
    try:
        target = _link_target(directory, name)
        if target is not None:
            return touch_in_root(root, os.path.join(parent, target), mode, depth=depth - 1)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
        os.close(openat2(directory, name, flags, mode=mode, resolve=RESOLVE_BENEATH))
        return openat2(directory, name, os.O_PATH | os.O_NOFOLLOW, resolve=RESOLVE_BENEATH)
    finally:
        os.close(directory)


def proc_open(path: str, flags: int) -> int:
    """Open `path` ("sys/kernel/domainname", "self/attr/exec") in a procfs that only we hold.

    The mount is detached and kept for the life of the process: nothing can be mounted over a file
    in it, and magic links and other file systems are refused.
    """
    pid = os.getpid()
    if not _procfs or _procfs[0][0] != pid:
        _procfs[:] = [(pid, mount.detached("proc"))]
    # /proc/self is a link of procfs's own making; it stays below the mount
    resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
    return openat2(_procfs[0][1], path, flags, resolve=resolve)


def forget_procfs() -> None:
    """The descriptor was closed with others: mount procfs anew when it is needed again."""
    _procfs.clear()


def read_regular(descriptor: int, limit: int) -> bytes:
    """The content of a regular file, which is closed; ValueError if it is none or is too long."""
    try:
        status = os.fstat(descriptor)
        if (status.st_mode & 0o170000) != 0o100000:
            raise ValueError("not a regular file")
        if status.st_size > limit:
            raise ValueError(f"longer than {limit} bytes")
        chunks = []
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
            limit -= len(chunk)
            if limit < 0:
                raise ValueError("grows while it is read")
        return b"".join(chunks)
    finally:
        os.close(descriptor)
