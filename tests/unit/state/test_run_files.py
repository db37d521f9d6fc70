"""Files of a run are whole or absent, and a damaged one keeps no engine from starting."""

from pathlib import Path

import msgspec
import pytest

from lading.state import RunFiles


class Port(msgspec.Struct):
    number: int


def files_in(directory: Path) -> RunFiles[list[Port]]:
    return RunFiles(str(directory), list[Port], of="ports of container")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    files = files_in(tmp_path / "ports")
    assert files.load() == {}
    files.write("c1", [Port(80)])
    assert files_in(tmp_path / "ports").load() == {"c1": [Port(80)]}


def test_a_value_without_anything_in_it_has_no_file(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    files.write("c1", [Port(80)])
    files.write("c1", [])
    files.write("c1", [])
    assert (files.names(), files.load()) == ([], {})


def test_to_remove_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    files_in(tmp_path).remove("c1")


def test_what_a_kill_left_unfinished_and_what_is_damaged_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "c1.new").write_bytes(b"[")
    (tmp_path / "c2").write_bytes(b"nonsense")
    (tmp_path / "c3").write_bytes(b'[{"number":"one"}]')
    assert files_in(tmp_path).load() == {}
    assert [*tmp_path.iterdir()] == []
    assert "ports of container c2" in caplog.text
    assert "ports of container c3" in caplog.text
