"""Trees are removed to the last leaf, and nothing outside of them is touched."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.kernel import mount
from lading.storage import trees


def remove(parent: Path, name: str) -> None:
    descriptor = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        trees.remove_tree(descriptor, name)
    finally:
        os.close(descriptor)


def test_a_tree_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_bytes(b"")
    (tmp_path / "tree/a/b").mkdir(parents=True)
    (tmp_path / "tree/a/out").symlink_to(tmp_path / "kept")
    (tmp_path / "tree/a/file").write_bytes(b"")
    (tmp_path / "tree/a").chmod(0)
    remove(tmp_path, "tree")
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == [
        "kept",
        "kept/file",
    ]


def test_a_link_or_a_file_is_removed_itself(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "file").write_bytes(b"")
    for name in ("link", "file", "nothing"):
        remove(tmp_path, name)
    assert os.listdir(tmp_path) == ["kept"]


def test_a_very_deep_tree_is_removed(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=directory)
        child = os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = child
    os.close(directory)
    remove(tmp_path, "d")
    assert os.listdir(tmp_path) == []


def test_nothing_that_is_mounted_in_a_tree_is_touched(
    tmp_path: Path, in_mount_namespace: Callable[[Callable[[], object]], None]
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_bytes(b"")
    (tmp_path / "tree/a/mounted").mkdir(parents=True)

    def check() -> None:
        mount.mount(str(tmp_path / "kept"), str(tmp_path / "tree/a/mounted"), "", mount.MS_BIND)
        with pytest.raises(OSError, match="cross-device") as caught:
            remove(tmp_path, "tree")
        assert caught.value.errno == errno.EXDEV

    in_mount_namespace(check)
    assert (tmp_path / "kept/file").exists()


def test_hard_links_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a").write_bytes(b"12345")
    os.link(tmp_path / "d/a", tmp_path / "b")
    (tmp_path / "l").symlink_to("/")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert trees.measure(descriptor) == (5, 3)
    os.close(descriptor)
