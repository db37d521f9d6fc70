"""Durable files and those of a run have their own places."""

import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from lading.containers.layout import Layout

ID = "a" * 64


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(f"{tmp_path}/data", f"{tmp_path}/run", "0123abcd")
    made.make_roots()
    return made


def mode_of(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_the_log_is_below_the_durable_files(layout: Layout) -> None:
    layout.make_files("abc")
    assert Path(layout.log("abc")).is_dir()
    assert layout.log("abc") == f"{layout.data_root}/containers/abc/log"


def test_the_roots_are_closed_to_others(layout: Layout) -> None:
    assert mode_of(layout.data_root) & 0o007 == 0
    assert mode_of(layout.exec_root) == 0o700
    assert mode_of(f"{layout.data_root}/containers") == 0o700


def test_roots_left_open_are_closed_again(layout: Layout) -> None:
    Path(layout.data_root).chmod(0o755)
    layout.make_roots()
    assert mode_of(layout.data_root) == 0o710


def test_a_run_begins_with_an_empty_directory(layout: Layout) -> None:
    (Path(layout.make_run("abc")) / "exit.json").touch()
    assert list(Path(layout.make_run("abc")).iterdir()) == []


def test_removing_files_takes_only_those_of_the_container(layout: Layout) -> None:
    for name in ("abc", "abd"):
        layout.make_files(name)
    layout.remove_files("abc")
    assert [path.name for path in Path(f"{layout.data_root}/containers").iterdir()] == ["abd"]


def test_removing_what_is_gone_is_fine(layout: Layout) -> None:
    layout.remove_files("never-made")


def test_cgroups_are_below_the_engines_own(layout: Layout) -> None:
    assert layout.cgroup("abc") == "/lading/0123abcd/abc"


def test_a_scope_tells_whose_it_is() -> None:
    own = Layout("/d", "/e", "0123abcd", "", True)
    name = own.cgroup(ID).rpartition("/")[2]
    assert own.cgroup(ID) == f"/system.slice/lading-0123abcd-{ID}.scope"
    assert own.container_of(name) == ID
    assert Layout("/d", "/e", "4567cdef", "", True).container_of(name) == ""
    assert own.container_of(ID) == own.container_of(f"docker-{ID}.scope") == ""


def test_cgroups_are_below_the_parent_that_was_given() -> None:
    assert Layout("/d", "/e", "0123abcd", "/mine").cgroup("abc") == "/mine/abc"


def test_who_still_writes_to_the_log_of_a_removed_container_leaves_nothing(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.make_files(ID)
    rmdir = os.rmdir

    def slow(path: str, *, dir_fd: int | None = None) -> None:
        with suppress(FileNotFoundError):
            Path(f"{layout.log(ID)}/compressing").touch()
        rmdir(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "rmdir", slow)
    layout.remove_files(ID)
    assert os.listdir(f"{layout.data_root}/containers") == []


def test_a_removal_that_a_crash_interrupted_is_done_again(layout: Layout) -> None:
    layout.make_files(f"{ID}.removed")
    layout.remove_files(f"{ID}.removed")
    assert os.listdir(f"{layout.data_root}/containers") == []
