"""Subvolumes of btrfs: made, copied, limited and deleted by ioctl(2).

Source: include/uapi/linux/btrfs.h. A subvolume looks like a directory with an inode 256 of its own.
A limit is on its qgroup, 0/ID, which counts what the subvolume refers to, shared or not.
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
BTRFS_IOC_INO_LOOKUP = 0xD0009412  # _IOWR(0x94, 18, struct btrfs_ioctl_ino_lookup_args)
BTRFS_IOC_QUOTA_CTL = 0xC0109428  # _IOWR(0x94, 40, struct btrfs_ioctl_quota_ctl_args)
BTRFS_IOC_QGROUP_CREATE = 0x4010942A  # _IOW(0x94, 42, struct btrfs_ioctl_qgroup_create_args)
BTRFS_IOC_QGROUP_LIMIT = 0x8030942B  # _IOR(0x94, 43, struct btrfs_ioctl_qgroup_limit_args)
BTRFS_QUOTA_CTL_ENABLE = 1
BTRFS_QGROUP_LIMIT_MAX_RFER = 1
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


def limit_subvolume(path: str, size: int) -> None:
    """Let a subvolume refer to so many bytes, what it shares with others included; turns quotas
    on for the file system. Raises OSError.
    """
    descriptor = os.open(path, _DIRECTORY)
    try:
        # struct btrfs_ioctl_quota_ctl_args: cmd, status; it is no error when they are on
        fcntl.ioctl(
            descriptor,
            BTRFS_IOC_QUOTA_CTL,
            bytearray(struct.pack("=QQ", BTRFS_QUOTA_CTL_ENABLE, 0)),
        )
        # qgroupid 0: that of this subvolume; struct btrfs_qgroup_limit: flags, max_rfer, 3 more
        limit = struct.pack("=6Q", 0, BTRFS_QGROUP_LIMIT_MAX_RFER, size, 0, 0, 0)
        fcntl.ioctl(descriptor, BTRFS_IOC_QGROUP_LIMIT, bytearray(limit))
    finally:
        os.close(descriptor)


def _subvolume_id(parent: int, name: str) -> int:
    """The id of a subvolume's tree."""
    descriptor = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        # struct btrfs_ioctl_ino_lookup_args: treeid, objectid, name[4080]
        values = bytearray(struct.pack("=QQ4080x", 0, SUBVOLUME_INODE))
        fcntl.ioctl(descriptor, BTRFS_IOC_INO_LOOKUP, values)
        return int(struct.unpack_from("=Q", values)[0])
    finally:
        os.close(descriptor)


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
                number = _subvolume_id(descriptor, name)
                fcntl.ioctl(descriptor, BTRFS_IOC_SNAP_DESTROY, bytearray(arguments))
                # its qgroup stays (ENOTCONN: there are none); create 0 removes it
                gone = bytearray(struct.pack("=QQ", 0, number))
                fcntl.ioctl(descriptor, BTRFS_IOC_QGROUP_CREATE, gone)
    finally:
        os.close(descriptor)
