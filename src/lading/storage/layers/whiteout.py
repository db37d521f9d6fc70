"""How a layer says that something below it is gone, in archives and on overlayfs.

archive (OCI image-spec, layer.md#whiteouts)     overlayfs (kernel doc filesystems/overlayfs.rst)
an empty file `.wh.NAME`                         a character device 0:0 called NAME
an empty file `.wh..wh..opq` in a directory      xattr trusted.overlay.opaque=y on the directory
other `.wh..wh.*` (aufs's own bookkeeping)       nothing
"""

import os
import stat

PREFIX = b".wh."
OPAQUE_MARKER = b".wh..wh..opq"
AUFS_PREFIX = b".wh..wh."
OPAQUE_XATTR = "trusted.overlay.opaque"


def is_whiteout(status: os.stat_result) -> bool:
    """Whether this is overlayfs's mark for "gone"."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(directory: int) -> bool:
    """Whether the directory hides what lower layers have in it."""
    try:
        return os.getxattr(directory, OPAQUE_XATTR) == b"y"
    except OSError:  # ENODATA, or a file system without xattrs
        return False


def make_opaque(directory: int) -> None:
    """Hide what lower layers have in this directory."""
    os.setxattr(directory, OPAQUE_XATTR, b"y")


def make_whiteout(directory: int, name: bytes) -> None:
    """Hide what lower layers call so. Raises FileExistsError when this layer has one."""
    os.mknod(name, stat.S_IFCHR | 0o000, os.makedev(0, 0), dir_fd=directory)
