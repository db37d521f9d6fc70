"""Subvolumes of btrfs: made, copied and deleted by ioctl(2).

Source: include/uapi/linux/btrfs.h. A subvolume looks like a directory with an inode 256 of its own.
"""

import fcntl
import os
import struct
from contextlib import suppress

from lading.errors import InvalidArgument
from lading.kernel import filesystem

BTRFS_SUPER_MAGIC = 0x9123683E  # include/uapi/linux/magic.h
BTRFS_IOC_SUBVOL_CREATE = 0x5000940E  # _IOW(0x94, 14, struct btrfs_ioctl_vol_args)
BTRFS_IOC_SNAP_CREATE_V2 = 0x50009417  # _IOW(0x94, 23, struct btrfs_ioctl_vol_args_v2)
BTRFS_IOC_SNAP_DESTROY = 0x5000940F  # _IOW(0x94, 15, struct btrfs_ioctl_vol_args)
SUBVOLUME_INODE = 256  # BTRFS_FIRST_FREE_OBJECTID, include/uapi/linux/btrfs_tree.h
# buffers this long must be mutable: fcntl.ioctl copies at most 1024 bytes of others
_NAME = 4088  # BTRFS_PATH_NAME_MAX + 1
_NAME_V2 = 4040  # BTRFS_SUBVOL_NAME_MAX + 1
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class NotBtrfs(InvalidArgument):
    """{0} is not on btrfs"""


def is_btrfs(path: str) -> bool:
    """Whether the directory is on btrfs."""
    descriptor = os.open(path, _DIRECTORY)
    try:
        return filesystem.type_of(descriptor) == BTRFS_SUPER_MAGIC
    finally:
        os.close(descriptor)


def create_subvolume(path: str) -> None:
    """Make an empty subvolume. Raises OSError."""
    parent, name = os.path.split(path)
    descriptor = os.open(parent, _DIRECTORY)
    try:
        # struct btrfs_ioctl_vol_args: __s64 fd, char name[4088]
        arguments = struct.pack(f"=q{_NAME}s", 0, os.fsencode(name))
        fcntl.ioctl(descriptor, BTRFS_IOC_SUBVOL_CREATE, bytearray(arguments))
    finally:
        os.close(descriptor)


def create_snapshot(source: str, path: str) -> None:
    """Make a writable snapshot of a subvolume. Raises OSError."""
    parent, name = os.path.split(path)
    origin = os.open(source, _DIRECTORY)
    try:
        descriptor = os.open(parent, _DIRECTORY)
        try:
            # struct btrfs_ioctl_vol_args_v2: fd, transid, flags, 4 unused words, name
            arguments = struct.pack(
                f"=qQQ4Q{_NAME_V2}s", origin, 0, 0, 0, 0, 0, 0, os.fsencode(name)
            )
            fcntl.ioctl(descriptor, BTRFS_IOC_SNAP_CREATE_V2, bytearray(arguments))
        finally:
            os.close(descriptor)
    finally:
        os.close(origin)


def delete_subvolumes(path: str) -> None:
    """Delete the subvolumes directly in a directory, as far as that is possible."""
    try:
        descriptor = os.open(path, _DIRECTORY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        for name in os.listdir(descriptor):
            if os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_ino != SUBVOLUME_INODE:
                continue
            arguments = struct.pack(f"=q{_NAME}s", 0, os.fsencode(name))
            with suppress(OSError):  # others are in it: it is removed like any tree then
                fcntl.ioctl(descriptor, BTRFS_IOC_SNAP_DESTROY, bytearray(arguments))
    finally:
        os.close(descriptor)
