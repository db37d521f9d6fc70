"""Mounts: the classic call and the descriptor-based ones, man 2 mount, fsopen, open_tree.

With the descriptor calls a mount is made detached, gets its attributes, and is then attached to a
place that is itself a descriptor: no path is looked up twice, so nobody can swap it in between.

    fsopen(type) -> fsconfig_*(...) -> fsmount() -> move_mount()      a new file system
    open_tree(..., OPEN_TREE_CLONE) -> mount_setattr() -> move_mount()  a bind mount
"""

import os
import struct

from lading.kernel.c_types import c_char_p, c_int, c_size_t, c_uint, c_ulong
from lading.kernel.syscall import function, libc_function

# include/uapi/linux/mount.h
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_SYNCHRONOUS = 16
MS_REMOUNT = 32
MS_MANDLOCK = 64
MS_DIRSYNC = 128
MS_NOSYMFOLLOW = 256
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_MOVE = 8192
MS_REC = 16384
MS_SILENT = 32768
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24
MS_LAZYTIME = 1 << 25

MNT_FORCE = 1
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8

MOUNT_ATTR_RDONLY = 0x00000001
MOUNT_ATTR_NOSUID = 0x00000002
MOUNT_ATTR_NODEV = 0x00000004
MOUNT_ATTR_NOEXEC = 0x00000008
MOUNT_ATTR_RELATIME = 0x00000000
MOUNT_ATTR_NOATIME = 0x00000010
MOUNT_ATTR_STRICTATIME = 0x00000020
MOUNT_ATTR__ATIME = 0x00000070
MOUNT_ATTR_NODIRATIME = 0x00000080
MOUNT_ATTR_IDMAP = 0x00100000
MOUNT_ATTR_NOSYMFOLLOW = 0x00200000

OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
MOVE_MOUNT_F_EMPTY_PATH = 0x00000004
MOVE_MOUNT_T_EMPTY_PATH = 0x00000040
FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_SET_FD = 5
FSCONFIG_CMD_CREATE = 6

_mount = libc_function("mount", c_char_p, c_char_p, c_char_p, c_ulong, c_char_p)
_umount2 = libc_function("umount2", c_char_p, c_int)
_pivot_root = function("pivot_root", c_char_p, c_char_p)
_open_tree = function("open_tree", c_int, c_char_p, c_uint)
_move_mount = function("move_mount", c_int, c_char_p, c_int, c_char_p, c_uint)
_fsopen = function("fsopen", c_char_p, c_uint)
_fsconfig = function("fsconfig", c_int, c_uint, c_char_p, c_char_p, c_int)
_fsmount = function("fsmount", c_int, c_uint, c_uint)
_mount_setattr = function("mount_setattr", c_int, c_char_p, c_uint, c_char_p, c_size_t)
_mount_attr = struct.Struct("QQQQ")  # struct mount_attr: set, clear, propagation, userns_fd


def mount(source: str, target: str, fstype: str, flags: int = 0, data: str = "") -> None:
    """The classic call, for hosts and file systems that lack the new one. man 2 mount."""
    _mount(
        os.fsencode(source), os.fsencode(target), fstype.encode(), flags, os.fsencode(data) or None
    )


def umount2(target: str, flags: int = 0) -> None:
    """man 2 umount2; MNT_DETACH takes the mount out of sight at once."""
    _umount2(os.fsencode(target), flags)


def pivot_root(new_root: str, put_old: str) -> None:
    """man 2 pivot_root; ("." , ".") stacks the old root over the new one, to be detached."""
    _pivot_root(os.fsencode(new_root), os.fsencode(put_old))


def open_tree(directory: int, path: str, flags: int = OPEN_TREE_CLONE) -> int:
    """A descriptor of a mount; with OPEN_TREE_CLONE of a detached copy of it (a bind mount)."""
    return _open_tree(directory, os.fsencode(path), flags | OPEN_TREE_CLOEXEC)


def clone_of(descriptor: int, *, recursive: bool = False) -> int:
    """A detached bind mount of what the descriptor (O_PATH will do) refers to."""
    flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    return open_tree(descriptor, "", flags)


def move_mount(mount_fd: int, target: int, path: str = "") -> None:
    """Attach the mount to what the descriptor `target` refers to, or to `path` below it."""
    flags = MOVE_MOUNT_F_EMPTY_PATH | (0 if path else MOVE_MOUNT_T_EMPTY_PATH)
    _move_mount(mount_fd, b"", target, os.fsencode(path), flags)


def fsopen(fstype: str) -> int:
    """The context of a new file system. man 2 fsopen."""
    return _fsopen(fstype.encode(), FSOPEN_CLOEXEC)


def fsconfig_set_flag(context: int, key: str) -> None:
    _fsconfig(context, FSCONFIG_SET_FLAG, key.encode(), None, 0)


def fsconfig_set_string(context: int, key: str, value: str) -> None:
    _fsconfig(context, FSCONFIG_SET_STRING, key.encode(), os.fsencode(value), 0)


def fsconfig_set_fd(context: int, key: str, descriptor: int) -> None:
    _fsconfig(context, FSCONFIG_SET_FD, key.encode(), None, descriptor)


def fsconfig_create(context: int) -> None:
    _fsconfig(context, FSCONFIG_CMD_CREATE, None, None, 0)


def fsmount(context: int, attributes: int = 0) -> int:
    """A detached mount of the created file system; attributes are MOUNT_ATTR_*."""
    return _fsmount(context, FSMOUNT_CLOEXEC, attributes)


def mount_setattr(
    directory: int,
    path: str = "",
    *,
    set: int = 0,
    clear: int = 0,
    propagation: int = 0,
    userns: int = 0,
    recursive: bool = False,
) -> None:
    """Change the attributes of a mount, or of all below it. man 2 mount_setattr."""
    flags = (0 if path else AT_EMPTY_PATH) | (AT_RECURSIVE if recursive else 0)
    attr = _mount_attr.pack(set, clear, propagation, userns)
    _mount_setattr(directory, os.fsencode(path), flags, attr, _mount_attr.size)


def detached(fstype: str, options: dict[str, str | None] | None = None, attributes: int = 0) -> int:
    """A detached mount of a new file system; an option without a value is a flag.

    The source is the type's name: without one /proc/self/mountinfo would say "none".
    """
    context = fsopen(fstype)
    try:
        for key, value in (options or {}).items():
            if value is None:
                fsconfig_set_flag(context, key)
            else:
                fsconfig_set_string(context, key, value)
        if "source" not in (options or {}):
            fsconfig_set_string(context, "source", fstype)
        fsconfig_create(context)
        return fsmount(context, attributes)
    except OSError as error:
        error.filename = f"{fstype}: {message(context)}".rstrip(": ")
        raise
    finally:
        os.close(context)


def message(context: int) -> str:
    """What the file system said when it refused: the lines waiting in its context, joined."""
    lines = []
    try:
        while line := os.read(context, 4096):
            lines.append(line.decode(errors="replace").strip())
    except OSError:  # ENODATA: no more lines
        pass
    return "; ".join(lines)
