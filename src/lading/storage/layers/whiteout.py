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
SERVED_OPAQUE_XATTR = "user.fuseoverlayfs.opaque"  # fuse-overlayfs's, where it may set no other
# of this process, for an engine has one snapshot driver: the first is set, each is read
_opaque = [OPAQUE_XATTR]
_by_files = [False]


class Kind(enum.Enum):
    """What an entry of an archive says by its name."""

    NONE = enum.auto()  # an entry like any other
    WHITEOUT = enum.auto()
    OPAQUE = enum.auto()
    BOOKKEEPING = enum.auto()  # aufs's, or something inside of its directories: to be skipped
    MISPLACED = enum.auto()  # something inside of a whiteout


def choose_marks(*, by_user_xattrs: bool, by_files: bool) -> None:
    """What says opaque and gone from now on: what the driver's overlay writes and reads.

    `by_files`: fuse-overlayfs's way, which also makes the files of an archive, always or where it
    may not make devices.
    """
    _opaque[:] = [USER_OPAQUE_XATTR if by_user_xattrs else OPAQUE_XATTR]
    _opaque.extend([USER_OPAQUE_XATTR, SERVED_OPAQUE_XATTR] if by_files else [])
    _by_files[0] = by_files


def names_in(directory: int) -> list[bytes]:
    """The names in a layer's directory but those that are marks of fuse-overlayfs, sorted."""
    names = sorted(map(os.fsencode, os.listdir(directory)))
    return [name for name in names if not (_by_files[0] and name.startswith(PREFIX))]


def hidden_by_files(directory: int) -> list[bytes]:
    """The names that whiteout files in a layer's directory hide, as fuse-overlayfs made them."""
    if not _by_files[0]:
        return []
    names = sorted(map(os.fsencode, os.listdir(directory)))
    return [n[len(PREFIX) :] for n in names if n.startswith(PREFIX) and not _is_of_aufs(n)]


def is_hidden_by_file(directory: int, name: bytes) -> bool:
    """Whether such a file in a layer's directory hides the name."""
    return _by_files[0] and _exists(directory, PREFIX + name)


def may_be_files() -> bool:
    """Whether a whiteout can be a file, where the host refuses the device."""
    return _by_files[0]


def settle_file(directory: int, name: bytes) -> None:
    """A whiteout file, when the whole layer is there: what has the name by now covers what is
    below without one, a directory by being opaque.
    """
    if not _exists(directory, name):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(PREFIX + name, flags, 0o600, dir_fd=directory))
    elif stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
        make_opaque_child(directory, name)


def _exists(directory: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_of_aufs(name: bytes) -> bool:
    return name.startswith(AUFS_PREFIX) or name == b".wh..opq"  # that is fuse-overlayfs's own


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
    return any(_has_mark(directory, name) for name in _opaque)


def _has_mark(directory: int, name: str) -> bool:
    try:
        return os.getxattr(directory, name) == b"y"
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
