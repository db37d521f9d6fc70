"""Owner, mode, times and extended attributes: which an archive may set, and in what order.

Data, chown, chmod, xattrs, times: a write clears file capabilities, a chown clears suid bits and
capabilities, and everything but the last changes no mtime.
"""

import errno
import os

from lading.storage.layers.tar_entry import TarEntry
from lading.storage.layers.tar_header import BadTar

_NO_ID = 0xFFFF_FFFF  # (uid_t) -1 means "leave as it is" in chown(2)
_TIME_LIMIT_NS = (1 << 34) * 1_000_000_000  # the years that ext4 can store, and more than others
_ACLS = (b"system.posix_acl_access", b"system.posix_acl_default")  # man 5 acl
_DEFAULT_ACL = "system.posix_acl_default"
# overlayfs's own, when mounted with userxattr, and fuse-overlayfs's
_PRIVATE_XATTRS = (b"user.overlay.", b"user.fuseoverlayfs.")


def is_allowed_xattr(name: bytes) -> bool:
    """File capabilities, access control lists and the user namespace; never trusted.* (it steers
    overlayfs), never labels.
    """
    return name in (b"security.capability", *_ACLS) or (
        name.startswith(b"user.") and not name.startswith(_PRIVATE_XATTRS)
    )


def owner_of(entry: TarEntry) -> tuple[int, int]:
    """The numeric owner. Raises BadTar when it is none that a kernel knows."""
    if not (0 <= entry.uid < _NO_ID and 0 <= entry.gid < _NO_ID):
        raise BadTar(f"owner out of range: {entry.uid}:{entry.gid}")
    return entry.uid, entry.gid


def times_of(entry: TarEntry) -> tuple[int, int]:
    """Access and modification time in ns, within what file systems can store."""
    time_ns = max(min(entry.mtime_ns, _TIME_LIMIT_NS), -_TIME_LIMIT_NS)
    return time_ns, time_ns


def set_on(descriptor: int, entry: TarEntry) -> None:
    """Owner, mode and xattrs of an open file or directory; times come later."""
    uid, gid = owner_of(entry)
    os.fchown(descriptor, uid, gid)
    os.fchmod(descriptor, entry.mode)
    if entry.xattrs:
        set_xattrs(descriptor, entry.xattrs)


def set_xattrs(descriptor: int, xattrs: dict[bytes, bytes]) -> None:
    """Set the allowed ones. A file system without user.* or ACLs is tolerated, as everywhere."""
    for name, value in xattrs.items():
        if not is_allowed_xattr(name):
            continue
        if b"\0" in name:
            raise BadTar("NUL in the name of an xattr")
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP or name == b"security.capability":
                raise


def take_default_acl(descriptor: int) -> bytes:
    """Remove a directory's default ACL, which all made in it would inherit; empty if none."""
    try:
        acl = os.getxattr(descriptor, _DEFAULT_ACL)
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP):
            raise
        return b""
    os.removexattr(descriptor, _DEFAULT_ACL)
    return acl


def give_default_acl(descriptor: int, acl: bytes) -> None:
    """Set it again, when everything is in place."""
    os.setxattr(descriptor, _DEFAULT_ACL, acl)


def read_xattrs(descriptor: int) -> dict[bytes, bytes]:
    """The allowed xattrs of an open file or directory, sorted by name."""
    names = sorted(os.fsencode(name) for name in os.listxattr(descriptor))
    return {name: os.getxattr(descriptor, name) for name in names if is_allowed_xattr(name)}


def copy_from(source: int, status: os.stat_result, target: int) -> None:
    """Give an open file or directory the owner, mode, xattrs and times of another."""
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, status.st_mode & 0o7777)
    set_xattrs(target, read_xattrs(source))
    os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
