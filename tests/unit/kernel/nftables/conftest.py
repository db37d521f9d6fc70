import os
from collections.abc import Iterator

import pytest

from lading.kernel import namespaces


@pytest.fixture
def own_namespace() -> Iterator[int]:
    """The test runs in a new, empty network namespace; the value is a descriptor of the host's."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    namespaces.unshare(namespaces.CLONE_NEWNET)
    try:
        yield home
    finally:
        namespaces.setns(home, namespaces.CLONE_NEWNET)
        os.close(home)
