"""syncfs takes a descriptor of any file of the file system."""

import errno
import os
from pathlib import Path

import pytest

from lading.kernel import filesystem


def test_a_file_system_is_written_out(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    filesystem.syncfs(descriptor)
    os.close(descriptor)


def test_what_is_no_descriptor_is_told() -> None:
    with pytest.raises(OSError, match="syncfs") as caught:
        filesystem.syncfs(-1)
    assert caught.value.errno == errno.EBADF
