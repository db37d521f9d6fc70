"""Directories of volumes: all or nothing, whenever the engine dies."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.volumes.directories import Directories, fill_mounted
from lading.volumes.drivers.local_options import Owner


@pytest.fixture
def place(tmp_path: Path) -> Directories:
    place = Directories(str(tmp_path / "volumes"))
    place.open(set())
    place.make("data", Owner())
    return place


def files(place: Directories, name: str = "data") -> dict[str, str]:
    root = Path(place.path(name))
    return {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}


def writes(**texts: str) -> Callable[[int], bool]:
    """A copy of these files; "a/b" is written with two underscores."""

    def copy(target: int) -> bool:
        for name, text in texts.items():
            path = name.replace("__", "/")
            os.makedirs(os.path.dirname(f"/proc/self/fd/{target}/{path}"), exist_ok=True)
            Path(f"/proc/self/fd/{target}/{path}").write_text(text)
        return True

    return copy


def test_a_new_volume_is_empty_and_roots(place: Directories) -> None:
    status = os.stat(place.path("data"))
    assert place.is_empty("data")
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, 0, 0o755)


def test_a_volume_may_be_somebody_elses(place: Directories) -> None:
    place.make("theirs", Owner(33, 44, 0o2750))
    status = os.stat(place.path("theirs"))
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (33, 44, 0o2750)


def test_making_one_that_is_there_changes_nothing(place: Directories) -> None:
    place.fill("data", writes(a="1"))
    place.make("data", Owner())
    assert files(place) == {"a": "1"}


def test_what_a_copy_made_is_in_the_volume(place: Directories) -> None:
    place.fill("data", writes(a="1", sub__b="2"))
    assert files(place) == {"a": "1", "sub/b": "2"}
    assert os.listdir(f"{place.root}/data") == ["_data"]


def test_the_volume_takes_the_attributes_of_what_filled_it(place: Directories) -> None:
    def copy(target: int) -> bool:
        os.fchown(target, 70, 80)
        os.fchmod(target, 0o700)
        return True

    place.fill("data", copy)
    status = os.stat(place.path("data"))
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (70, 80, 0o700)


def test_a_copy_that_finds_nothing_leaves_nothing(place: Directories) -> None:
    place.fill("data", lambda target: False)
    assert (files(place), os.listdir(f"{place.root}/data")) == ({}, ["_data"])


def test_a_copy_that_fails_leaves_nothing(place: Directories) -> None:
    def copy(target: int) -> bool:
        writes(a="1")(target)
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        place.fill("data", copy)
    assert (files(place), os.listdir(f"{place.root}/data")) == ({}, ["_data"])


def test_a_copy_replaces_what_has_its_names_and_leaves_the_rest(place: Directories) -> None:
    place.fill("data", writes(a="1", sub__old="2", kept="3"))
    place.fill("data", writes(a="new", sub="now a file"))
    assert files(place) == {"a": "new", "sub": "now a file", "kept": "3"}


KILLED = """
import sys
from lading.volumes.directories import Directories
from tests.unit.volumes.test_directories import writes
Directories(sys.argv[1]).fill("data", writes(a="1", b="2", c__d="3"))
"""


@pytest.mark.parametrize(
    ("point", "is_done"),
    [
        ("volume.before-sync", False),
        ("volume.filled", True),
        ("volume.moved", True),
        ("volume.settled", True),
    ],
)
def test_a_copy_that_is_killed_is_done_or_absent(
    place: Directories, point: str, is_done: bool
) -> None:
    environ = os.environ | {"LADING_FAILPOINT": point}
    done = subprocess.run([sys.executable, "-c", KILLED, place.root], env=environ)
    assert done.returncode == -9
    again = Directories(place.root)
    again.open({"data"})
    assert files(again) == ({"a": "1", "b": "2", "c/d": "3"} if is_done else {})
    assert os.listdir(f"{place.root}/data") == ["_data"]
    assert os.listdir(f"{place.root}/.trash") == []


def test_what_has_no_row_goes_when_the_engine_starts(place: Directories) -> None:
    place.fill("data", writes(a__b__c="1"))
    place.open(set())
    assert os.listdir(place.root) == [".trash"]
    assert os.listdir(f"{place.root}/.trash") == []


def test_hard_links_count_once(place: Directories) -> None:
    place.fill("data", writes(a="x" * 1000))
    os.link(f"{place.path('data')}/a", f"{place.path('data')}/b")
    assert place.size("data") == 1000


def test_a_mounted_file_system_is_filled_when_it_is_empty(tmp_path: Path) -> None:
    assert fill_mounted(str(tmp_path), writes(a="1"))
    assert not fill_mounted(str(tmp_path), writes(b="2"))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_copy_into_a_mounted_file_system_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / ".lading-copy").mkdir()
    (tmp_path / ".lading-copy/half").write_text("")
    assert fill_mounted(str(tmp_path), writes(a="1"))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
