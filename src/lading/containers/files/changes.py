"""`docker diff`: what a container changed, read off its writable layer.

Overlayfs keeps only what differs: a name in the upper directory was added or changed, a whiteout
was deleted, and an opaque directory hides all that lower layers have below it. What the engine
itself put there (mount points, `OWN`) is no change of the container's.
"""

import os
import stat
from collections.abc import Iterator, Sequence

from lading.storage.layers import lower, whiteout
from lading.wire.containers import FilesystemChange

MODIFIED, ADDED, DELETED = 0, 1, 2
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# mount points that a start makes where the image has none
OWN = frozenset([
    b".dockerenv", b"dev", b"proc", b"sys", b"etc/hosts", b"etc/hostname", b"etc/resolv.conf",
    b"sbin/docker-init",
])  # fmt: skip
_PARENTS = frozenset(path.rpartition(b"/")[0] for path in OWN)  # our mount points change their time


def compare(upper: int, lowers: Sequence[int]) -> list[FilesystemChange]:
    """The changes, parents first; descriptors of the upper directory and of the layers below."""
    return [
        FilesystemChange(path="/" + os.fsdecode(path), kind=kind)
        for path, kind in _Comparison(lowers).below(upper, b"")
    ]


def from_list(listed: Sequence[tuple[bytes, bool | None]]) -> list[FilesystemChange]:
    """The changes that a snapshot driver tells itself: True added, False changed, None gone."""
    kinds = {True: ADDED, False: MODIFIED, None: DELETED}
    return [
        FilesystemChange(path="/" + os.fsdecode(path), kind=kinds[kind])
        for path, kind in listed
        if path not in OWN
    ]


class _Comparison:
    def __init__(self, lowers: Sequence[int]) -> None:
        self._lowers = lowers

    def below(self, directory: int, prefix: bytes) -> Iterator[tuple[bytes, int]]:
        """Changes below a directory."""
        for name in whiteout.hidden_by_files(directory):
            yield prefix + name, DELETED
        for name in whiteout.names_in(directory):
            if prefix + name not in OWN:
                yield from self._member(directory, name, prefix + name)

    def _member(self, parent: int, name: bytes, path: bytes) -> Iterator[tuple[bytes, int]]:
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return  # the container is at work
        if whiteout.is_whiteout(status):
            yield path, DELETED
            return
        earlier = self._earlier(path)
        kind = ADDED if earlier is None else MODIFIED
        inner = []
        if stat.S_ISDIR(status.st_mode):
            inner = self._inside(parent, name, path)
            is_kept = earlier is not None and stat.S_ISDIR(earlier.st_mode)
            if is_kept and earlier and not _is_modified(path, status, earlier, inner):
                yield from inner
                return
        yield path, kind
        yield from inner

    def _inside(self, parent: int, name: bytes, path: bytes) -> list[tuple[bytes, int]]:
        """The changes in a directory of the upper layer."""
        try:
            descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
        except OSError:
            return []
        try:
            inner = list(self.below(descriptor, path + b"/"))
            if whiteout.is_opaque(descriptor):
                inner += self._gone(set(whiteout.names_in(descriptor)), path)
            return inner
        finally:
            os.close(descriptor)

    def _earlier(self, path: bytes) -> os.stat_result | None:
        found = lower.lookup(self._lowers, path.split(b"/"))
        if found is None:
            return None
        os.close(found.descriptor)
        return found.status

    def _gone(self, now: set[bytes], path: bytes) -> list[tuple[bytes, int]]:
        """What lower layers have in a directory that was removed and made anew."""
        before: set[bytes] = set()
        for layer in self._lowers:
            found = lower.lookup([layer], path.split(b"/"))
            if found is not None:
                before.update(_names_of(found))
        gone = sorted(path + b"/" + name for name in before - now)
        return [(name, DELETED) for name in gone if name not in OWN and self._earlier(name)]


def _names_of(found: lower.Found) -> list[bytes]:
    """The names in a directory of a lower layer; the descriptor is closed."""
    try:
        descriptor = os.open(".", _DIRECTORY, dir_fd=found.descriptor)
    except OSError:
        return []
    finally:
        os.close(found.descriptor)
    try:
        return whiteout.names_in(descriptor)
    finally:
        os.close(descriptor)


def _is_modified(
    path: bytes, now: os.stat_result, earlier: os.stat_result, inner: list[tuple[bytes, int]]
) -> bool:
    """Whether a directory looks different, or a name in it came or went."""
    if (now.st_mode, now.st_uid, now.st_gid) != (earlier.st_mode, earlier.st_uid, earlier.st_gid):
        return True
    if path not in _PARENTS and now.st_mtime_ns != earlier.st_mtime_ns:
        return True
    depth = path.count(b"/") + 1
    return any(kind != MODIFIED and below.count(b"/") == depth for below, kind in inner)
