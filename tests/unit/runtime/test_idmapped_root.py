"""Layers with the ids of inside under one overlay, by both ways of the kernel."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lading.kernel import idmap, mount, namespaces, process
from lading.runtime import idmapped_root

OUTSIDE = 300_000
MAP = [(0, OUTSIDE, 65536)]
Stack = Callable[[list[int], int, tuple[str, str], str], int]


@pytest.fixture
def users() -> Iterator[int]:
    descriptor = idmap.user_namespace(MAP, MAP)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("low", "high", "own/fs", "own/work", "place"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "low/file").write_text("low")
    (tmp_path / "low/gone").touch()
    (tmp_path / "high/file").write_text("high")
    os.chown(tmp_path / "high/file", 7, 8)
    return tmp_path


def in_container(users: int, root: int, work: Callable[[], object]) -> int:
    """The exit code of `work` at the root, as root of the user namespace."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            namespaces.setns(users, namespaces.CLONE_NEWUSER)
            process.set_ids(0, 0, [])
            namespaces.unshare(namespaces.CLONE_NEWNS)
            mount.mount("none", "/", "", mount.MS_REC | mount.MS_PRIVATE)
            mount.move_mount(root, mount.AT_FDCWD, "/mnt")
            os.chdir("/mnt")
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def use() -> None:
    status = os.stat("file")
    assert (status.st_uid, status.st_gid) == (7, 8)
    assert os.stat("gone").st_uid == 0
    os.unlink("gone")
    Path("new").touch()
    os.chown("new", 5, 6)


def check(tree: Path) -> None:
    """What is on disk has the ids of inside."""
    new, gone = os.stat(tree / "own/fs/new"), os.stat(tree / "own/fs/gone")
    assert (new.st_uid, new.st_gid) == (5, 6)
    assert (gone.st_rdev, gone.st_uid) == (0, 0)
    assert (tree / "low/gone").exists()


def test_root_of_the_user_namespace_owns_its_layers(users: int, tree: Path) -> None:
    overlay: dict[str, object] = {
        "lower": [str(tree / "high"), str(tree / "low")],
        "upper": str(tree / "own/fs"),
        "work": str(tree / "own/work"),
    }
    owner = OUTSIDE, OUTSIDE
    root = idmapped_root.make(overlay, users, owner, str(tree / "place"))  # type: ignore[arg-type]
    assert in_container(users, root, use) == 0
    check(tree)
    os.close(root)


def test_older_kernels_get_the_layers_by_path(users: int, tree: Path) -> None:
    layers = [idmapped_root.mapped(str(tree / name), users) for name in ("high", "low")]
    place = idmapped_root.mapped(str(tree / "own"), users)

    def stack_and_use() -> None:
        idmapped_root.become((OUTSIDE, OUTSIDE))
        parts = idmapped_root.Stack(layers, place, ("fs", "work"))
        root = idmapped_root.by_paths(parts, str(tree / "place"))
        os.chdir("/")
        assert in_container(users, root, use) == 0

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            stack_and_use()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    check(tree)


def test_a_whole_tree_of_its_own_is_mapped_alone(users: int, tree: Path) -> None:
    overlay: dict[str, object] = {"lower": [], "upper": str(tree / "high"), "work": ""}
    owner = OUTSIDE, OUTSIDE
    root = idmapped_root.make(overlay, users, owner, str(tree / "place"))  # type: ignore[arg-type]
    assert os.stat("file", dir_fd=root).st_uid == OUTSIDE + 7
    os.close(root)


def test_a_file_system_that_cannot_map_ids_is_named(users: int) -> None:
    with pytest.raises(idmapped_root.NoIdMappedMounts, match="/proc cannot be mounted"):
        idmapped_root.mapped("/proc", users)
