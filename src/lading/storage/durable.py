"""What makes bytes outlive a power cut, and the errors of a disk that cannot take them.

The rule of the room: bytes are fsynced, renamed into place, and the directory is fsynced before
anybody may write a row that names them.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from lading import errors


class DiskFull(errors.SystemFault):
    """no space left on the disk: {0}"""


class RootInUse(errors.Conflict):
    """storage root {0} is in use by another engine"""


@contextmanager
def disk_errors(subject: str) -> Iterator[None]:
    """Translate "the disk is full" (ENOSPC, EDQUOT) into DiskFull; other errors pass as they
    are.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(subject) from error
        raise


def fsync_directory(path: str) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(directory: str, name: str, data: bytes) -> None:
    """Give a small file of ours this content: after a power cut it has the old one or the new."""
    temporary = os.path.join(directory, f".{name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, os.path.join(directory, name))
    fsync_directory(directory)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte: write(2) may take fewer (a nearly full disk, a signal)."""
    written = os.write(descriptor, data)
    if written < len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def lock_root(root: str) -> int:
    """Take the exclusive lock of a storage root and return the descriptor that holds it.

    The lock lasts until the descriptor is closed or the process ends. Raises RootInUse.
    """
    os.makedirs(root, mode=0o710, exist_ok=True)
    descriptor = os.open(os.path.join(root, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise RootInUse(root) from None
    return descriptor
