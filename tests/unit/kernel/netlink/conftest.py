import os
from collections.abc import Iterator

import pytest

from lading.kernel import netns


@pytest.fixture
def own_namespace() -> Iterator[int]:
    """The test runs in a new, empty network namespace; the value is a descriptor of the host's."""
    home = netns.open_own()
    netns.unshare()
    try:
        yield home
    finally:
        netns.setns(home)
        os.close(home)
