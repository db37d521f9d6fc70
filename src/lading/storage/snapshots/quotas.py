"""A bound for a directory of the driver's, as a project quota of the file system below it.

The project's number is chosen at random and is in the directory itself, so nobody has to remember
it; numbers below 2**24 are left to administrators. `release` is the undo, and knows a directory
that has no bound.
"""

import errno
import os
import secrets
from contextlib import suppress

from lading.failpoints import fp
from lading.kernel import quota
from lading.storage.snapshots.driver import NoQuota

LOWEST, NUMBERS = 1 << 24, (1 << 31) - (1 << 24)
TRIES = 16
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# what the kernel says where there are no project quotas, or they are off
_OFF = frozenset([
    errno.ESRCH, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENODEV,
])  # fmt: skip


def limit(directory: str, size_bytes: int) -> None:
    """Bound all that will be made in an empty directory. Raises NoQuota."""
    descriptor = os.open(directory, _DIRECTORY)
    try:
        project = _free_project(descriptor)
        quota.set_project(descriptor, project)
        fp("snapshots.project-set")
        quota.limit_project(descriptor, project, size_bytes)
    except OSError as error:
        if error.errno in _OFF:
            raise NoQuota from error
        raise
    finally:
        os.close(descriptor)


def release(directory: str) -> None:
    """Take the bound back, if there is one."""
    with suppress(OSError):  # no projects on this file system, or the directory has gone
        descriptor = os.open(directory, _DIRECTORY)
        try:
            project = quota.project_of(descriptor)
            if project >= LOWEST:
                quota.limit_project(descriptor, project, 0)
        finally:
            os.close(descriptor)


def _free_project(descriptor: int) -> int:
    """A number that bounds nothing and that nothing has."""
    for _ in range(TRIES):
        project = LOWEST + secrets.randbelow(NUMBERS)
        try:
            if quota.project_usage(descriptor, project) == (0, 0):
                return project
        except FileNotFoundError:  # ENOENT: the kernel has never heard of it
            return project
    raise OSError(errno.EUSERS, "no project number is free")
