"""A bundle for every test of the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.runtime.command.bundle import Bundle


@pytest.fixture
def bundle(tmp_path: Path, busybox: Path) -> Iterator[Bundle]:
    bundle = Bundle(tmp_path, busybox)
    yield bundle
    bundle.close()
