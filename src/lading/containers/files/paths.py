"""Paths of `docker cp`: what a name is, where a link leads, and the document that tells it.

Every function gets a descriptor of the container's root, in a thread that has entered its view.
"""

import errno
import os
import posixpath
import stat

from lading.errors import InvalidArgument, NotFound, SystemFault
from lading.kernel import safepath
from lading.logs.lines import format_time
from lading.wire.containers import PathStat

LINKS = 255  # moby: symlink.FollowSymlinkInScope
# os.FileMode of Go, which the document has: https://pkg.go.dev/io/fs#FileMode
_GO_KINDS = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
}
_GO_BITS = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


class NoSuchFile(NotFound):
    """Could not find the file {0} in container {1}"""


class NotADirectory(InvalidArgument):
    """extraction point is not a directory"""


class Unreadable(SystemFault):
    """lstat {0}: {1}"""


class TooManyLinks(SystemFault):
    """evalSymlinks: too many links"""


def absolute(path: str) -> str:
    """The path from the root, clean; a `/` or `/.` at the end is kept, for it follows a link."""
    clean = posixpath.normpath("/" + path).replace("//", "/")
    if path.endswith("/.") or path == ".":
        return clean.rstrip("/") + "/."
    if path.endswith("/") and clean != "/":
        return clean + "/"
    return clean


def describe(root: int, path: str, *, asked: str, container: str) -> PathStat:
    """What is at `path` (as `absolute` gives it). Raises NoSuchFile, Unreadable."""
    status = lstat(root, path, asked=asked, container=container)
    is_link = stat.S_ISLNK(status.st_mode)
    return PathStat(
        name=base_name(path),
        size=status.st_size,
        mode=go_mode(status.st_mode),
        mtime=format_time(status.st_mtime_ns),
        link_target=evaluate(root, path) if is_link else "",
    )


def lstat(root: int, path: str, *, asked: str, container: str) -> os.stat_result:
    """The status; a link at the end is followed only when `/` or `/.` comes after it."""
    try:
        descriptor = _open(root, path)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise NoSuchFile(asked, container) from error
        reason = os.strerror(error.errno or 0)
        raise Unreadable(path, reason[:1].lower() + reason[1:]) from error
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _open(root: int, path: str) -> int:
    flags = os.O_PATH | (os.O_DIRECTORY if path.endswith(("/", "/.")) else os.O_NOFOLLOW)
    return safepath.open_in_root(root, path, flags)


def _read_link(root: int, path: str) -> str | None:
    """Where the link at that place points; None when it is none, or nothing is there."""
    try:
        descriptor = safepath.open_in_root(root, path, os.O_PATH | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if not stat.S_ISLNK(os.fstat(descriptor).st_mode):
            return None
        return os.readlink("", dir_fd=descriptor)
    finally:
        os.close(descriptor)


def evaluate(root: int, path: str) -> str:
    """The path with every link in it followed, in the container; what is missing stays as it is.

    For telling, and for finding what is mounted there: it is never opened as a string.
    Raises TooManyLinks.
    """
    pending = path.split("/")[::-1]
    done: list[str] = []
    links = 0
    while pending:
        name = pending.pop()
        if name in ("", "."):
            continue
        if name == "..":
            done[-1:] = []
            continue
        target = _read_link(root, "/" + "/".join([*done, name]))
        if target is None:
            done.append(name)
            continue
        links += 1
        if links > LINKS:
            raise TooManyLinks
        if target.startswith("/"):
            done.clear()
        pending += target.split("/")[::-1]
    return "/" + "/".join(done)


def base_name(path: str) -> str:
    """What Go calls the base of a path: `/` for the root, `.` where the path ends so."""
    if path.endswith("/."):
        return "."
    return posixpath.basename(path.rstrip("/")) or "/"


def go_mode(mode: int) -> int:
    """A file mode as Go numbers it."""
    bits = sum(value for bit, value in _GO_BITS.items() if mode & bit)
    return _GO_KINDS.get(stat.S_IFMT(mode), 0) | bits | (mode & 0o777)
