"""How a layer says that something below it is gone, in archives and on overlayfs.

archive (OCI image-spec, layer.md#whiteouts)     overlayfs (kernel doc filesystems/overlayfs.rst)
an empty file `.wh.NAME`                         a character device 0:0 called NAME
an empty file `.wh..wh..opq` in a directory      xattr trusted.overlay.opaque=y on the directory,
                                                 user.overlay.opaque where it is mounted so
other `.wh..wh.*` (aufs's own bookkeeping)       nothing
"""

import enum
import os
import stat

PREFIX = b".wh."
OPAQUE_MARKER = b".wh..wh..opq"
AUFS_PREFIX = b".wh..wh."
OPAQUE_XATTR = "trusted.overlay.opaque"
USER_OPAQUE_XATTR = "user.overlay.opaque"  # with the mount option userxattr: for who is not root
_opaque = [OPAQUE_XATTR]  # of this process: an engine has one snapshot driver


class Kind(enum.Enum):
    """What an entry of an archive says by its name."""

    NONE = enum.auto()  # an entry like any other
    WHITEOUT = enum.auto()
    OPAQUE = enum.auto()
    BOOKKEEPING = enum.auto()  # aufs's, or something inside of its directories: to be skipped
    MISPLACED = enum.auto()  # something inside of a whiteout


def mark_by_user_xattrs(wanted: bool) -> None:
    """Which attribute says opaque from now on: the one that overlayfs is told to read."""
    _opaque[0] = USER_OPAQUE_XATTR if wanted else OPAQUE_XATTR


def classify(path: bytes) -> tuple[Kind, bytes]:
    """Kind of an entry of this path, and the name that a whiteout hides."""
    components = [part for part in path.split(b"/") if part not in (b"", b".")]
    if any(part.startswith(AUFS_PREFIX) for part in components[:-1]):
        return Kind.BOOKKEEPING, path
    if any(part.startswith(PREFIX) for part in components[:-1]):
        return Kind.MISPLACED, path
    name = components[-1] if components else b""
    if name == OPAQUE_MARKER:
        return Kind.OPAQUE, name
    if name.startswith(AUFS_PREFIX):
        return Kind.BOOKKEEPING, name
    if name.startswith(PREFIX):
        return Kind.WHITEOUT, name[len(PREFIX) :]
    return Kind.NONE, name


def is_whiteout(status: os.stat_result) -> bool:
    """Whether this is overlayfs's mark for "gone"."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_opaque(directory: int) -> bool:
    """Whether the directory hides what lower layers have in it."""
    try:
        return os.getxattr(directory, _opaque[0]) == b"y"
    except OSError:  # ENODATA, or a file system without xattrs
        return False


def make_opaque(directory: int) -> None:
    """Hide what lower layers have in this directory."""
    os.setxattr(directory, _opaque[0], b"y")


def make_whiteout(directory: int, name: bytes) -> None:
    """Hide what lower layers call so. Raises FileExistsError when this layer has one."""
    os.mknod(name, stat.S_IFCHR | 0o000, os.makedev(0, 0), dir_fd=directory)


def make_opaque_child(parent: int, name: bytes) -> None:
    """make_opaque for the directory `name` in `parent`."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=parent)
    try:
        make_opaque(descriptor)
    finally:
        os.close(descriptor)
