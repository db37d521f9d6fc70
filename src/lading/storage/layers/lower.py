"""The lower chain as overlayfs would merge it: one path looked up through several layers.

Needed while a layer is unpacked next to its lowers instead of on top of a mount: directories that
the archive does not carry, links to files of lower layers, symbolic links in lower layers. Paths
here are physical (no component is followed when it is a link); the caller follows links.
"""

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from lading.storage.layers import whiteout

_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Found(NamedTuple):
    """A file of a lower layer; `descriptor` (O_PATH) is the receiver's to close."""

    descriptor: int
    status: os.stat_result

    def readlink(self) -> bytes:
        """The target, when it is a symbolic link."""
        return os.readlink(b"", dir_fd=self.descriptor)

    def reopen(self) -> int:
        """A readable descriptor of a regular file or a directory."""
        return os.open(f"/proc/self/fd/{self.descriptor}", _READ & ~os.O_NOFOLLOW)


def lookup(lowers: Sequence[int], components: Sequence[bytes]) -> Found | None:
    """Find a path in layers given top first as directory descriptors; None when it is not there."""
    for layer in lowers:
        found, hidden = _lookup_in(layer, components)
        if found is not None or hidden:
            return found
    return None


def _lookup_in(layer: int, components: Sequence[bytes]) -> tuple[Found | None, bool]:
    """What one layer has under the path, and whether it hides what layers below have there."""
    descriptor = os.open(b".", _PATH | os.O_DIRECTORY, dir_fd=layer)
    status = os.fstat(descriptor)
    opaque = False
    for name in components:
        if not stat.S_ISDIR(status.st_mode):
            os.close(descriptor)
            return None, True  # a file where lower layers may have a directory
        opaque = opaque or _is_opaque(descriptor)
        try:
            child = os.open(name, _PATH, dir_fd=descriptor)
        except FileNotFoundError:
            return None, opaque or whiteout.is_hidden_by_file(descriptor, name)
        finally:
            os.close(descriptor)
        descriptor, status = child, os.fstat(child)
    if whiteout.is_whiteout(status):
        os.close(descriptor)
        return None, True
    return Found(descriptor, status), True


def _is_opaque(directory: int) -> bool:
    """is_opaque for an O_PATH descriptor, which fgetxattr(2) does not take."""
    readable = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        return whiteout.is_opaque(readable)
    finally:
        os.close(readable)
