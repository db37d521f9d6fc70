"""A spawner, bundles and a busybox root for tests that run containers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.runtime.box import Boxes, make_root
from tests.unit.runtime.command.bundle import Bundle


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("busybox"))


@pytest.fixture
def boxes(tmp_path: Path, busybox: Path) -> Iterator[Boxes]:
    boxes = Boxes(tmp_path, busybox)
    yield boxes
    boxes.close()
    shutil.rmtree(tmp_path)  # pytest keeps three runs; overlay work directories are root's own


@pytest.fixture
def bundle(tmp_path: Path, busybox: Path) -> Iterator[Bundle]:
    bundle = Bundle(tmp_path, busybox)
    yield bundle
    bundle.close()
