"""A full disk is one error, a write is whole, a root has one owner."""

import errno
import os
from pathlib import Path

import pytest

from lading.storage import durable


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_its_subject(code: int) -> None:
    with pytest.raises(durable.DiskFull, match="no space left on the disk: layer x"):  # noqa: SIM117
        with durable.disk_errors("layer x"):
            raise OSError(code, "full")


def test_other_errors_pass() -> None:
    with pytest.raises(PermissionError), durable.disk_errors("layer x"):
        raise PermissionError(errno.EPERM, "no")


def test_short_writes_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = b""

    def short_write(_: int, data: memoryview) -> int:
        nonlocal written
        written += bytes(data[:3])
        return min(len(data), 3)

    monkeypatch.setattr(os, "write", short_write)
    durable.write_all(1, b"0123456789")
    assert written == b"0123456789"


def test_a_root_is_locked_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    held = durable.lock_root(str(tmp_path / "root"))
    with pytest.raises(durable.RootInUse):
        durable.lock_root(str(tmp_path / "root"))
    os.close(held)
    os.close(durable.lock_root(str(tmp_path / "root")))
