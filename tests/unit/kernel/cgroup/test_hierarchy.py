"""Cgroup mounts are found in the mountinfo of every layout."""

from pathlib import Path

import pytest

from lading.kernel import namespaces
from lading.kernel.cgroup.hierarchy import LEAF, delegated, hierarchies, parse_mountinfo

HYBRID = """\
23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory,release_agent=/x
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
"""
UNIFIED = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_hybrid_has_both_and_limits_live_in_v1() -> None:
    found = parse_mountinfo(HYBRID)
    assert found.v1 == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct",
        "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
        "memory": "/sys/fs/cgroup/memory",
        "name=systemd": "/sys/fs/cgroup/systemd",
    }
    assert found.v2 == "/sys/fs/cgroup/unified"
    assert not found.is_unified()


def test_controllers_that_share_a_tree_count_once() -> None:
    trees = parse_mountinfo(HYBRID).v1_trees()
    assert trees == [
        "/sys/fs/cgroup/cpu,cpuacct",
        "/sys/fs/cgroup/memory",
        "/sys/fs/cgroup/systemd",
    ]


def test_one_v2_tree_is_unified() -> None:
    found = parse_mountinfo(UNIFIED)
    assert (found.v1, found.v2, found.is_unified()) == ({}, "/sys/fs/cgroup", True)


def test_v2_beside_a_named_v1_tree_is_unified() -> None:
    systemd = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
    assert parse_mountinfo(systemd + UNIFIED).is_unified()


def test_of_a_tree_mounted_twice_the_first_counts() -> None:
    again = "99 23 0:30 / /elsewhere rw - cgroup cgroup rw,memory\n"
    assert parse_mountinfo(HYBRID + again).v1["memory"] == "/sys/fs/cgroup/memory"


def test_spaces_in_a_mount_point_are_unescaped() -> None:
    line = "99 23 0:30 / /my\\040cgroups/x\\134y rw - cgroup2 cgroup2 rw\n"
    assert parse_mountinfo(line).v2 == "/my cgroups/x\\y"


def test_this_host_has_a_hierarchy() -> None:
    found = hierarchies()
    assert found.v1_trees() or found.v2
    assert found.v2 is None or isinstance(found.v2_controllers(), frozenset)


def test_trees_that_root_of_a_user_namespace_may_not_write_to_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, others = tmp_path / "memory", tmp_path / "cpu"
    mine.mkdir()
    lines = [f"3 2 0:3 / {place} rw - cgroup cgroup rw,{place.name}" for place in (mine, others)]
    table = tmp_path / "mountinfo"
    table.write_text("\n".join([*lines, f"4 2 0:4 / {tmp_path}/none rw - cgroup2 cgroup2 rw\n"]))
    assert set(hierarchies(str(table)).v1) == {"memory", "cpu"}
    monkeypatch.setattr(namespaces, "in_user_namespace", lambda: True)
    found = hierarchies(str(table))
    assert (found.v1, found.v2) == ({"memory": str(mine)}, None)


def handed(place: Path) -> Path:
    """A group as a service manager hands it over."""
    place.mkdir(parents=True)
    for name in ("cgroup.procs", "cgroup.subtree_control"):
        (place / name).touch()
    return place


def test_the_group_above_our_leaf_is_a_tree_of_our_own(tmp_path: Path) -> None:
    place = handed(tmp_path / "user.slice/ladingd.service")
    groups = "1:name=systemd:/x\n0::/user.slice/ladingd.service"
    assert delegated(str(tmp_path), f"{groups}/{LEAF}\n") == str(place)
    assert delegated(str(tmp_path), f"{groups}\n") is None
    (place / "cgroup.subtree_control").unlink()
    assert delegated(str(tmp_path), f"{groups}/{LEAF}\n") is None


def test_a_leaf_at_the_root_hands_nothing_over(tmp_path: Path) -> None:
    handed(tmp_path / "tree")
    assert delegated(str(tmp_path / "tree"), f"0::/{LEAF}\n") is None
    assert delegated(str(tmp_path / "tree"), "1:cpu:/\n") is None
