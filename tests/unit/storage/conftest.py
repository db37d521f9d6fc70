"""Fixtures of the storage room: a mount namespace of one's own."""

import os
import traceback
from collections.abc import Callable

import pytest

from lading.kernel import mount, namespaces

InMountNamespace = Callable[[Callable[[], object]], None]


@pytest.fixture
def in_mount_namespace() -> InMountNamespace:
    """Runs a function in a child with mounts of its own; what it raises fails the test."""
    return run_in_mount_namespace


def run_in_mount_namespace(check: Callable[[], object]) -> None:
    """The child's traceback comes back through a pipe; its mounts end with it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            namespaces.unshare(namespaces.CLONE_NEWNS)
            mount.mount("none", "/", "", mount.MS_REC | mount.MS_PRIVATE)
            check()
            status = 0
        except BaseException:
            os.write(writer, traceback.format_exc().encode()[-60000:])
        finally:
            os._exit(status)
    os.close(writer)
    with open(reader, "rb") as pipe:
        report = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    assert status == 0, report
