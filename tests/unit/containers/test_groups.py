"""Groups without an owner are those of containers that do not run, and never somebody else's."""

from pathlib import Path

import pytest

from lading.containers import groups
from lading.containers.layout import Layout
from lading.kernel.cgroup import Hierarchies

RUNNING, ENDED, UNKNOWN = "a" * 64, "b" * 64, "c" * 64


def made(root: Path, parent: str, *names: str) -> Hierarchies:
    """A tree with groups of these names."""
    for name in names:
        (root / parent.strip("/") / name).mkdir(parents=True)
    return Hierarchies({}, str(root))


def stray(layout: Layout, trees: Hierarchies) -> set[str]:
    known = {RUNNING, ENDED}
    found = groups.stray(layout, trees, running={RUNNING}, is_known=known.__contains__)
    return {group.container_id for group in found}


def test_groups_of_ended_and_unknown_containers_are_strays(tmp_path: Path) -> None:
    trees = made(tmp_path, "/lading/e", RUNNING, ENDED, UNKNOWN, "note")
    assert stray(Layout("/d", "/x", "e"), trees) == {ENDED, UNKNOWN}


def test_below_a_named_parent_only_groups_of_known_containers_are_strays(tmp_path: Path) -> None:
    trees = made(tmp_path, "/shared", RUNNING, ENDED, UNKNOWN)
    assert stray(Layout("/d", "/x", "e", "/shared"), trees) == {ENDED}


@pytest.mark.parametrize("trees", [Hierarchies({}, None), Hierarchies({}, "/nowhere")])
def test_where_there_is_no_group_there_is_no_stray(trees: Hierarchies) -> None:
    assert stray(Layout("/d", "/x", "e"), trees) == set()
