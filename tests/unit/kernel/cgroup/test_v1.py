"""OCI resources as v1 files, in an order the kernel accepts."""

from typing import Any

import pytest

from lading.errors import InvalidArgument
from lading.kernel.cgroup import v1
from lading.kernel.cgroup.setting import Setting


def settings(resources: dict[str, Any]) -> list[Setting]:
    """All controllers' settings, in the order in which they are written."""
    return [each for translate in v1.CONTROLLERS.values() for each in translate(resources)]


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, ""),
        ({"memory": {"limit": 0, "swap": 0}, "cpu": {"quota": 0}, "pids": {"limit": 0}}, ""),
        (
            {"memory": {"swap": 128, "limit": 64, "reservation": 32, "swappiness": 0}},
            "memory.limit_in_bytes=64 memory.memsw.limit_in_bytes=128 "
            "memory.soft_limit_in_bytes=32 memory.swappiness=0",
        ),
        ({"memory": {"disableOOMKiller": True}}, "memory.oom_control=1"),
        ({"memory": {"limit": -1}}, "memory.limit_in_bytes=-1 memory.memsw.limit_in_bytes=-1"),
        ({"memory": {"swappiness": -1, "kernelTCP": 9}}, "memory.kmem.tcp.limit_in_bytes=9"),
        (
            {"cpu": {"realtimePeriod": 9, "realtimeRuntime": 5}},
            "cpu.rt_period_us=9 cpu.rt_runtime_us=5",
        ),
        ({"cpu": {"idle": 0, "burst": 0}}, "cpu.cfs_burst_us=0 cpu.idle=0"),
        (
            {"cpu": {"quota": 50000, "period": 100000, "burst": 10000, "shares": 512}},
            "cpu.shares=512 cpu.cfs_period_us=100000 cpu.cfs_quota_us=50000 cpu.cfs_burst_us=10000",
        ),
        ({"cpu": {"cpus": "0-1", "mems": "0"}}, "cpuset.cpus=0-1 cpuset.mems=0"),
        ({"pids": {"limit": 50}}, "pids.max=50"),
        ({"pids": {"limit": -1}}, "pids.max=max"),
        (
            {"hugepageLimits": [{"pageSize": "2MB", "limit": 7}]},
            "hugetlb.2MB.limit_in_bytes=7 hugetlb.2MB.rsvd.limit_in_bytes=7",
        ),
        ({"network": {"classID": 5}}, "net_cls.classid=5"),
        (
            {
                "network": {
                    "priorities": [{"name": "eth0", "priority": 3}, {"name": "lo", "priority": 1}]
                }
            },
            "net_prio.ifpriomap=eth0 3 net_prio.ifpriomap=lo 1",
        ),
        (
            {
                "blockIO": {
                    "leafWeight": 9,
                    "weightDevice": [{"major": 8, "minor": 1, "weight": 20, "leafWeight": 30}],
                }
            },
            "blkio.leaf_weight=9 blkio.weight_device=8:1 20 blkio.leaf_weight_device=8:1 30",
        ),
        (
            {"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 9}]}},
            "blkio.throttle.read_bps_device=8:0 9",
        ),
        (
            {"rdma": {"mlx": {"hcaHandles": 2, "hcaObjects": 3}}},
            "rdma.max=mlx hca_handle=2 hca_object=3",
        ),
    ],
)
def test_resources_become_files(resources: dict[str, Any], expected: str) -> None:
    assert " ".join(map(str, settings(resources))) == expected


def test_weights_fall_back_to_bfq() -> None:
    [weight] = settings({"blockIO": {"weight": 300}})
    assert str(weight) == "blkio.weight=300"
    assert str(weight.otherwise) == "blkio.bfq.weight=300"


def test_limits_that_depend_on_each_other_may_be_tried_again() -> None:
    listed = settings({"cpu": {"period": 5000, "quota": 2000, "realtimeRuntime": 1, "idle": 0}})
    assert {each.file for each in listed if each.depends} == {
        "cpu.cfs_period_us",
        "cpu.cfs_quota_us",
        "cpu.rt_runtime_us",
    }


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        ({"cpu": {"shares": 1}}, "the minimum allowed cpu-shares is 2"),
        ({"cpu": {"shares": 262145}}, "the maximum allowed cpu-shares is 262144"),
        (
            {"memory": {"swappiness": 101}},
            "invalid memory swappiness value: 101 (valid range is 0-100)",
        ),
    ],
)
def test_values_out_of_range_are_refused(resources: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        settings(resources)
    assert str(caught.value) == text


def test_kernel_memory_is_ignored_with_a_word() -> None:
    assert "memory.kernel is ignored" in v1.unsettable({"memory": {"kernel": 1 << 20}})[0]
