"""Project quotas: a limit for all that is below a directory (ext4 and xfs, mounted with prjquota).

A directory gets a project id and the flag that what is made in it inherits the id; the limit is for
the id, and lives in the file system until it is taken back.

Sources: man 2 quotactl (quotactl_fd, Linux 5.14), man 2 ioctl_xfs_fsgetxattr,
include/uapi/linux/{quota,dqblk_xfs,fs}.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import struct

from lading.kernel import syscall

FS_IOC_FSGETXATTR = 0x801C581F  # _IOR('X', 31, struct fsxattr)
FS_IOC_FSSETXATTR = 0x401C5820  # _IOW('X', 32, struct fsxattr)
FS_XFLAG_PROJINHERIT = 0x200
# struct fsxattr: fsx_xflags, fsx_extsize, fsx_nextents, fsx_projid, fsx_cowextsize, fsx_pad[8]
_FSXATTR = struct.Struct("=IIIII8x")

PRJQUOTA = 2
Q_GETQUOTA, Q_SETQUOTA = 0x800007, 0x800008
QIF_BLIMITS = 1
BLOCK_BYTES = 1024  # QIF_DQBLKSIZE: the unit of limits
# struct if_dqblk: bhardlimit, bsoftlimit, curspace, ihardlimit, isoftlimit, curinodes, btime,
# itime, valid
_DQBLK = struct.Struct("=8QI4x")

_quotactl_fd = syscall.function(
    "quotactl_fd", ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p
)


def set_project(directory: int, project: int) -> None:
    """Give an empty directory (a descriptor) a project, which what is made in it inherits."""
    values = bytearray(_FSXATTR.size)
    fcntl.ioctl(directory, FS_IOC_FSGETXATTR, values)
    flags, extent_size, extents, _, copy_size = _FSXATTR.unpack(values)
    changed = _FSXATTR.pack(flags | FS_XFLAG_PROJINHERIT, extent_size, extents, project, copy_size)
    fcntl.ioctl(directory, FS_IOC_FSSETXATTR, bytearray(changed))


def project_of(directory: int) -> int:
    """The project of an open directory, 0 for none. Raises OSError where there are no projects."""
    values = bytearray(_FSXATTR.size)
    fcntl.ioctl(directory, FS_IOC_FSGETXATTR, values)
    return int(_FSXATTR.unpack(values)[3])


def limit_project(descriptor: int, project: int, size: int) -> None:
    """Let a project use so many bytes, 0 for any number, of the file system of a descriptor.

    Raises OSError: ESRCH or ENOSYS where quotas are off, EOPNOTSUPP where there are none.
    """
    blocks = -(-size // BLOCK_BYTES)
    values = (blocks, blocks, 0, 0, 0, 0, 0, 0, QIF_BLIMITS)
    _quotactl(descriptor, Q_SETQUOTA, project, bytearray(_DQBLK.pack(*values)))


def project_usage(descriptor: int, project: int) -> tuple[int, int]:
    """The limit and what is used, in bytes. Raises OSError as `limit_project`, ENOENT."""
    values = bytearray(_DQBLK.size)
    _quotactl(descriptor, Q_GETQUOTA, project, values)
    unpacked = _DQBLK.unpack(values)
    return unpacked[0] * BLOCK_BYTES, unpacked[2]


def _quotactl(descriptor: int, command: int, project: int, values: bytearray) -> None:
    buffer = (ctypes.c_char * len(values)).from_buffer(values)
    _quotactl_fd(descriptor, command << 8 | PRJQUOTA, project, ctypes.addressof(buffer))
