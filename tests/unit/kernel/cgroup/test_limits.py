"""Which tree takes a limit, and in what order limits of a living group are changed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lading.errors import InvalidArgument, NotSupported
from lading.kernel.cgroup import Cgroup, Hierarchies, LimitRefused, hierarchies, limits

MIB = 1 << 20
HOST = hierarchies()


def hybrid(tmp_path: Path, of_v1: tuple[str, ...], of_v2: str) -> Hierarchies:
    (tmp_path / "cgroup.controllers").write_text(of_v2)
    return Hierarchies({name: f"/v1/{name}" for name in of_v1}, str(tmp_path))


def files(resources: dict[str, Any], trees: Hierarchies) -> list[str]:
    return [each.file for each in limits.settings(resources, trees)]


ASKED = {"memory": {"limit": 64 * MIB}, "pids": {"limit": 5}, "blockIO": {"weight": 500}}


def test_a_v1_host_takes_v1_files(tmp_path: Path) -> None:
    trees = hybrid(tmp_path, ("memory", "pids", "blkio"), "")
    assert files(ASKED, trees) == ["memory.limit_in_bytes", "pids.max", "blkio.weight"]


def test_a_v2_host_takes_v2_files(tmp_path: Path) -> None:
    trees = hybrid(tmp_path, ("name=systemd",), "memory pids io")
    assert files(ASKED, trees) == ["memory.max", "pids.max", "io.bfq.weight"]


def test_a_hybrid_host_takes_each_where_its_controller_is(tmp_path: Path) -> None:
    trees = hybrid(tmp_path, ("memory",), "pids io hugetlb")
    assert files(ASKED, trees) == ["memory.limit_in_bytes", "pids.max", "io.bfq.weight"]
    assert limits.place(trees, "/g")("pids") == f"{tmp_path}/g"
    assert limits.place(trees, "/g")("memory") == "/v1/memory/g"
    assert limits.wanted_of_v2(ASKED, trees) == {"pids", "io"}


@pytest.fixture
def group() -> Iterator[Cgroup]:
    made = Cgroup(f"/lading-limits-{os.getpid()}-{time.monotonic_ns()}")
    yield made
    made.remove()


def value(group: Cgroup, file: str) -> str:
    directory = limits.place(HOST, group.path)(file.partition(".")[0])
    return Path(directory, file).read_text().strip()


on_v1 = pytest.mark.skipif(HOST.is_unified(), reason="needs cgroup v1 controllers")
on_v2 = pytest.mark.skipif(not HOST.is_unified(), reason="needs a host with cgroup v2 alone")


@on_v1
def test_a_smaller_period_comes_with_its_smaller_quota(group: Cgroup) -> None:
    parent = Cgroup(group.path)
    parent.create({"cpu": {"period": 100_000, "quota": 50_000}})
    below = Cgroup(f"{group.path}/below")
    below.create({"cpu": {"period": 100_000, "quota": 40_000}})
    below.update({"cpu": {"period": 10_000, "quota": 5_000, "burst": 1_000}})
    assert value(below, "cpu.cfs_period_us") == "10000"
    assert value(below, "cpu.cfs_quota_us") == "5000"
    assert value(below, "cpu.cfs_burst_us") == "1000"


@on_v1
def test_the_rest_of_the_v1_limits_are_what_was_asked(group: Cgroup) -> None:
    cpuset = {
        name: Path(HOST.v1["cpuset"], f"cpuset.{name}").read_text().strip() for name in ("mems",)
    }
    asked = {
        "memory": {"limit": 64 * MIB, "swappiness": 10, "disableOOMKiller": True, "kernel": 1},
        "cpu": {"idle": 1, "cpus": "0", **cpuset},
        "blockIO": {
            "throttleReadBpsDevice": [{**vda(), "rate": 1000}],
            "throttleWriteIOPSDevice": [{**vda(), "rate": 10}],
        },
    }
    assert group.create(asked) == [
        "memory.kernel is ignored: kernels no longer have a limit of its own for it"
    ]
    assert value(group, "memory.swappiness") == "10"
    assert value(group, "memory.oom_control").startswith("oom_kill_disable 1")
    assert value(group, "cpu.idle") == "1"
    assert value(group, "cpuset.cpus") == "0"
    assert value(group, "blkio.throttle.read_bps_device").endswith(" 1000")
    assert value(group, "blkio.throttle.write_iops_device").endswith(" 10")


@on_v1
def test_real_time_beyond_the_parents_share_is_the_kernels_refusal(group: Cgroup) -> None:
    if not os.path.exists(f"{HOST.v1['cpu']}/cpu.rt_runtime_us"):
        pytest.skip("needs a kernel with CONFIG_RT_GROUP_SCHED")
    with pytest.raises(LimitRefused, match=r"cpu\.rt_runtime_us: .*the group above has \d+ us"):
        group.create({"cpu": {"realtimeRuntime": 999_999, "realtimePeriod": 1_000_000}})


@on_v1
def test_memory_below_what_is_used_is_refused_with_the_figures(group: Cgroup) -> None:
    group.create()
    child, go = occupy(group, 32 * MIB)
    with pytest.raises(
        LimitRefused, match=r"unable to set memory limit to 8388608 \(current usage"
    ):
        group.update({"memory": {"limit": 8 * MIB}})
    os.close(go)
    os.waitpid(child, 0)


@on_v2
def test_v2_asks_before_it_kills_if_it_is_told_to(group: Cgroup) -> None:
    group.create()
    child, go = occupy(group, 32 * MIB)
    with pytest.raises(InvalidArgument, match="rejecting memory limit 8388608 <= usage"):
        group.update({"memory": {"limit": 8 * MIB, "checkBeforeUpdate": True}})
    os.close(go)
    os.waitpid(child, 0)


@on_v2
def test_v2_limits_are_what_was_asked(group: Cgroup) -> None:
    asked = {
        "memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 32 * MIB},
        "cpu": {"shares": 512, "period": 50000, "quota": 25000, "cpus": "0", "mems": "0"},
        "pids": {"limit": 7},
        "unified": {"memory.high": str(48 * MIB), "memory.oom.group": "1"},
    }
    assert group.create(asked) == []
    assert value(group, "memory.max") == str(64 * MIB)
    assert value(group, "memory.swap.max") == str(32 * MIB)
    assert value(group, "memory.low") == str(32 * MIB)
    assert value(group, "memory.high") == str(48 * MIB)
    assert value(group, "cpu.weight") == "59"
    assert value(group, "cpu.max") == "25000 50000"
    assert value(group, "cpuset.cpus") == "0"
    assert value(group, "pids.max") == "7"
    group.update({"cpu": {"burst": 10000, "quota": 50000}, "pids": {"limit": -1}})
    assert value(group, "cpu.max.burst") == "10000"
    assert value(group, "pids.max") == "max"


@on_v2
@pytest.mark.parametrize(
    ("unified", "text"),
    [
        ({"memory/x": "1"}, 'unified resource "memory/x" must be a file name (no slashes)'),
        ({"memory": "1"}, 'unified resource "memory" must be in the form CONTROLLER.PARAMETER'),
        (
            {"fish.max": "1"},
            'unified resource "fish.max" can\'t be set: controller "fish" not available',
        ),
    ],
)
def test_unified_words_are_checked(group: Cgroup, unified: dict[str, str], text: str) -> None:
    with pytest.raises((InvalidArgument, NotSupported)) as caught:
        group.create({"unified": unified})
    assert str(caught.value) == text


def vda() -> dict[str, int]:
    """Some whole block device of this machine."""
    for name in sorted(os.listdir("/sys/block")):
        if not name.startswith(("loop", "ram", "zram")):
            major, minor = Path(f"/sys/block/{name}/dev").read_text().split(":")
            return {"major": int(major), "minor": int(minor)}
    pytest.skip("needs a block device")


def occupy(group: Cgroup, size: int) -> tuple[int, int]:
    """A child of the group that holds `size` bytes until the descriptor is closed."""
    ready, tell = os.pipe()
    wait, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        directory = limits.place(HOST, group.path)("memory")
        Path(directory, "cgroup.procs").write_text("0")
        held = bytearray(os.urandom(4096)) * (size // 4096)
        os.write(tell, b".")
        os.read(wait, 1)
        os._exit(len(held) == 0)
    os.close(tell)
    os.close(wait)
    os.read(ready, 1)
    os.close(ready)
    return child, go
