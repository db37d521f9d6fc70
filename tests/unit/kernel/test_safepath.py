"""A path inside a root stays inside, whatever links are in the way."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel import safepath


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_text("secret")
    descriptor = os.open(tmp_path / "root", os.O_PATH)
    yield descriptor
    os.close(descriptor)


def where(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("target", ["../secret", "/../secret", "../../../../secret"])
def test_links_that_climb_stop_at_the_root(root: int, tmp_path: Path, target: str) -> None:
    (tmp_path / "root/link").symlink_to(target)
    with pytest.raises(FileNotFoundError):
        safepath.open_in_root(root, "link", os.O_RDONLY)


def test_absolute_links_are_read_from_the_root(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/a").mkdir()
    (tmp_path / "root/link").symlink_to("/a")
    assert where(safepath.open_in_root(root, "/link", os.O_PATH)) == str(tmp_path / "root/a")


def test_links_are_refused_when_asked(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/a").mkdir()
    (tmp_path / "root/link").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels"):
        safepath.open_in_root(root, "link", os.O_PATH, symlinks=False)


def test_directories_are_made_with_their_parents(root: int, tmp_path: Path) -> None:
    assert where(safepath.mkdir_in_root(root, "/a/b/c")) == str(tmp_path / "root/a/b/c")
    assert where(safepath.mkdir_in_root(root, "a/b/c/")) == str(tmp_path / "root/a/b/c")


def test_directories_are_made_where_links_inside_lead(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/real").mkdir()
    (tmp_path / "root/link").symlink_to("../../real")
    os.close(safepath.mkdir_in_root(root, "link/new"))
    assert (tmp_path / "root/real/new").is_dir()


def test_a_dangling_link_is_followed_inside_the_root_and_made(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/link").symlink_to(f"../..{tmp_path}/outside")
    os.close(safepath.mkdir_in_root(root, "link/new"))
    (tmp_path / "root/etc").mkdir()
    (tmp_path / "root/etc/hosts").symlink_to("../run/made/hosts")
    os.close(safepath.touch_in_root(root, "/etc/hosts"))
    assert not (tmp_path / "outside").exists()
    assert (tmp_path / f"root{tmp_path}/outside/new").is_dir()
    assert (tmp_path / "root/run/made/hosts").is_file()


def test_links_that_lead_in_circles_are_refused(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/a").symlink_to("b/x")
    (tmp_path / "root/b").symlink_to("a/x")
    for make in (safepath.mkdir_in_root, safepath.touch_in_root):
        with pytest.raises(OSError, match=r"No such file|Too many levels"):
            make(root, "/a/y")


def test_files_are_made_once_and_kept(root: int, tmp_path: Path) -> None:
    os.close(safepath.touch_in_root(root, "/d/file"))
    (tmp_path / "root/d/file").write_text("kept")
    os.close(safepath.touch_in_root(root, "/d/file"))
    assert (tmp_path / "root/d/file").read_text() == "kept"


@given(st.lists(st.sampled_from(["..", ".", "a", "up", "abs"]), min_size=1, max_size=8))
def test_no_path_leaves_the_root(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    work = tmp_path_factory.mktemp("walk")
    (work / "root/a").mkdir(parents=True)
    (work / "root/up").symlink_to("../..")
    (work / "root/abs").symlink_to("/")
    root = os.open(work / "root", os.O_PATH)
    try:
        found = where(safepath.open_in_root(root, "/".join(parts), os.O_PATH))
        assert found.startswith(str(work / "root"))
    except FileNotFoundError:
        assert "a" in parts
    finally:
        os.close(root)


def test_proc_is_our_own_and_has_no_magic_links() -> None:
    descriptor = safepath.proc_open("self/comm", os.O_RDONLY)
    with open("/proc/self/comm", "rb") as comm:
        assert os.read(descriptor, 100) == comm.read()
    os.close(descriptor)
    with pytest.raises(OSError, match="Too many levels"):
        safepath.proc_open("self/cwd", os.O_PATH | os.O_DIRECTORY)


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    opened = os.open(tmp_path / "file", os.O_RDONLY)
    assert safepath.read_regular(opened, 100) == b"x" * 100
    with pytest.raises(ValueError, match="longer than 99 bytes"):
        safepath.read_regular(os.open(tmp_path / "file", os.O_RDONLY), 99)
    with pytest.raises(ValueError, match="not a regular file"):
        safepath.read_regular(os.open("/dev/null", os.O_RDONLY), 99)
