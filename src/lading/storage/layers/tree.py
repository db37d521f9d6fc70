"""The tree that a layer is unpacked into: where an entry goes, and how its parents come to be.

No path of an archive is ever resolved by the kernel as a string. A parent is opened component by
component with O_NOFOLLOW, and open directories are kept, so an entry costs no lookup at all when
its neighbour was just unpacked. A component that is a symbolic link (of this layer or of a lower
one) is followed here as a process chrooted into the merged root would: "/" and ".." stop at the
root. So an entry can reach no place outside, whatever links an archive makes first.

A parent that this layer lacks is made as the lower chain has it (mode, owner, xattrs, mtime), or
with 0755 root:root when nobody has it. Nobody but us works in the tree.
"""

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from lading import errors
from lading.storage import trees
from lading.storage.layers import attributes, lower, whiteout
from lading.storage.layers.limits import LimitExceeded, Limits

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
IMPLIED_MODE = 0o755
_KEPT_DIRECTORIES = 128
_LINKS = 40  # MAXSYMLINKS, include/linux/namei.h


class HostileArchive(errors.InvalidArgument):
    """archive refused: {0!r}: {1}"""

    def __init__(self, path: bytes, reason: str) -> None:
        super().__init__(path.decode(errors="backslashreplace"), reason)


class Tree:
    """Directories below one root, opened as needed. `close` when done.

    `lowers`: the chain below, top first, as directory descriptors; None when it is not known yet:
    then `needs_lower` tells that the archive cannot be unpacked rightly without it.
    """

    def __init__(self, root: int, lowers: Sequence[int] | None, limits: Limits) -> None:
        self.root = root
        self.lowers = lowers
        self.needs_lower = False
        # of directories, to be set last: times, and what would be inherited
        self.times: dict[bytes, tuple[int, int]] = {}
        self._default_acls: dict[bytes, bytes] = {}
        # directory and name of whiteouts that could not be devices
        self.hidden: set[tuple[bytes, bytes]] = set()
        self._limits = limits
        self._open = {b"": os.open(b".", OPEN_DIRECTORY, dir_fd=root)}

    @property
    def is_base(self) -> bool:
        """Whether this is known to be the lowest layer: then nothing can be hidden."""
        return self.lowers is not None and not self.lowers

    def close(self) -> None:
        """Close every directory that is kept open."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def place(self, path: bytes, *, make: bool = True) -> tuple[int, bytes, bytes]:
        """Parent descriptor, parent's physical path and name for a path of the archive.

        Without `make`, FileNotFoundError when the parent is neither here nor in the lower chain.
        The descriptor stays valid until `trim` or `clear`. The root itself is (root, b"", b"").
        """
        if path[:2] == b"./":
            path = path[2:]
        path = path.strip(b"/")
        if path[:1] == b"." or b"//" in path or b"/." in path:
            path = _normalised(path)
        if path.count(b"/") >= self._limits.depth:
            raise LimitExceeded("the depth of a path", self._limits.depth)
        parent, _, name = path.rpartition(b"/")
        descriptor = self._open.get(parent)
        if descriptor is None:
            parent, descriptor = self._resolve(parent, make)
        return descriptor, parent, name

    def directory(self, physical: bytes) -> int:
        """The descriptor of a directory that exists in this tree, by its physical path."""
        descriptor = self._open.get(physical)
        if descriptor is None:
            parent, _, name = physical.rpartition(b"/")
            descriptor = os.open(name, OPEN_DIRECTORY, dir_fd=self.directory(parent))
            self._open[physical] = descriptor
        return descriptor

    def trim(self) -> None:
        """Close some directories when many are open; between entries only."""
        if len(self._open) > _KEPT_DIRECTORIES:
            for physical in list(self._open)[1 : _KEPT_DIRECTORIES // 2]:
                os.close(self._open.pop(physical))

    def remove(self, parent: int, physical: bytes, name: bytes) -> os.stat_result:
        """Remove what has this name, a directory with all below it; returns what it was.

        A directory closes all kept ones but the root and `parent`: they may lie inside it.
        """
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=parent)
            return status
        gone = physical + b"/" + name if physical else name
        trees.remove_tree(parent, os.fsdecode(name))
        for path in [p for p in self._open if p == gone or p.startswith(gone + b"/")]:
            os.close(self._open.pop(path))
        for path in [p for p in self.times if p == gone or p.startswith(gone + b"/")]:
            del self.times[path]
            self._default_acls.pop(path, None)
        return status

    def finish_later(self, physical: bytes, directory: int, times: tuple[int, int]) -> None:
        """Remember a directory's times, and its default ACL, which is taken from it until then."""
        self.times[physical] = times
        self._default_acls.pop(physical, None)
        if acl := attributes.take_default_acl(directory):
            self._default_acls[physical] = acl

    def finish(self) -> None:
        """What can only be done when everything is in place."""
        for physical, name in sorted(self.hidden):
            with suppress(FileNotFoundError, NotADirectoryError):  # replaced by a later entry
                whiteout.settle_file(self.directory(physical), name)
            self.trim()
        for physical in sorted(self.times):
            directory = self.directory(physical)
            if physical in self._default_acls:
                attributes.give_default_acl(directory, self._default_acls[physical])
            os.utime(directory, ns=self.times[physical])
            self.trim()

    def find_lower(self, physical: bytes) -> lower.Found | None:
        """What the lower chain shows at this path; the descriptor is the caller's to close."""
        if self.lowers is None:
            self.needs_lower = True
            return None
        if not self.lowers or self._is_covered(physical):
            return None
        return lower.lookup(self.lowers, physical.split(b"/") if physical else [])

    def _is_covered(self, physical: bytes) -> bool:
        """Whether an opaque directory of this layer hides the lower chain at this path."""
        while physical:
            physical = physical.rpartition(b"/")[0]
            if whiteout.is_opaque(self.directory(physical)):
                return True
        return False

    def _resolve(self, path: bytes, make: bool) -> tuple[bytes, int]:
        """Open a directory, following links inside the root and making what is missing."""
        pending = path.split(b"/")[::-1]
        physical, links = b"", 0
        while pending:
            name = pending.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":  # only from a link: archives' own paths have none
                physical = physical.rpartition(b"/")[0]
                continue
            child = physical + b"/" + name if physical else name
            target = None if child in self._open else self._enter(physical, name, child, make)
            if target is None:
                physical = child
                continue
            links += 1
            pending += target.split(b"/")[::-1]
            if links > _LINKS or len(pending) > self._limits.depth + _LINKS:
                raise HostileArchive(path, "too many levels of symbolic links")
            if target.startswith(b"/"):
                physical = b""
        return physical, self.directory(physical)

    def _enter(self, physical: bytes, name: bytes, child: bytes, make: bool) -> bytes | None:
        """Open one component, making it if it is missing; a link's target instead, if it is one."""
        parent = self.directory(physical)
        try:
            self._open[child] = os.open(name, OPEN_DIRECTORY, dir_fd=parent)
            return None
        except FileNotFoundError:
            return self._imply(parent, name, child, make)
        except NotADirectoryError:  # O_DIRECTORY with O_NOFOLLOW says so for links, too
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            return os.readlink(name, dir_fd=parent)
        if not whiteout.is_whiteout(status):
            raise HostileArchive(child, "is a parent and not a directory")
        os.unlink(name, dir_fd=parent)
        self._make(parent, name, child, opaque=True)
        return None

    def _imply(self, parent: int, name: bytes, child: bytes, make: bool) -> bytes | None:
        """A component that the archive does not carry: as the lower chain has it, or plain."""
        found = self.find_lower(child)
        try:
            if found is not None and stat.S_ISLNK(found.status.st_mode):
                return found.readlink()
            is_directory = found is not None and stat.S_ISDIR(found.status.st_mode)
            if not make and not is_directory:
                raise FileNotFoundError(errno.ENOENT, "no such parent")
            made = self._make(parent, name, child)
            if found is not None and is_directory:
                self.adopt(found, made, child)
            return None
        finally:
            if found is not None:
                os.close(found.descriptor)

    def adopt(self, found: lower.Found, descriptor: int, physical: bytes) -> None:
        """Give a directory of this layer the attributes of the lower one that it stands for."""
        source = found.reopen()
        try:
            attributes.copy_from(source, found.status, descriptor)
        finally:
            os.close(source)
        times = (found.status.st_mtime_ns, found.status.st_mtime_ns)
        self.finish_later(physical, descriptor, times)

    def _make(self, parent: int, name: bytes, child: bytes, *, opaque: bool = False) -> int:
        os.mkdir(name, IMPLIED_MODE, dir_fd=parent)
        descriptor = self._open[child] = os.open(name, OPEN_DIRECTORY, dir_fd=parent)
        os.fchmod(descriptor, IMPLIED_MODE)  # whatever the umask
        if opaque:
            whiteout.make_opaque(descriptor)
        return descriptor


def _normalised(path: bytes) -> bytes:
    """Without empty and "." components. Raises HostileArchive for "..": no real layer has it."""
    components = [part for part in path.split(b"/") if part not in (b"", b".")]
    if b".." in components:
        raise HostileArchive(path, "path contains ..")
    return b"/".join(components)
