from pathlib import Path

import pytest

from lading.networks.ports import files
from lading.networks.ports.records import Published

ONE = Published("c1", "tcp", 80, "0.0.0.0", 8080, "172.17.0.2", True, sources=("10.0.0.0/8",))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    directory = str(tmp_path / "ports")
    assert files.load(directory) == {}
    files.write(directory, "c1", [ONE])
    assert files.load(directory) == {"c1": [ONE]}
    files.write(directory, "c1", [])
    files.write(directory, "c1", [])
    assert files.load(directory) == {}


def test_what_a_kill_left_unfinished_and_what_is_damaged_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "c1.new").write_bytes(b"[")
    (tmp_path / "c2").write_bytes(b"nonsense")
    assert files.load(str(tmp_path)) == {}
    assert [*tmp_path.iterdir()] == []
    assert "published ports of container c2" in caplog.text
