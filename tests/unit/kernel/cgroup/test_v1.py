"""OCI resources as v1 files, in an order the kernel accepts."""

from typing import Any

import pytest

from lading.kernel.cgroup import v1


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
        ({"memory": {"limit": -1}}, "memory.limit_in_bytes=-1"),
        (
            {"cpu": {"quota": 50000, "period": 100000, "burst": 10000, "shares": 512}},
            "cpu.shares=512 cpu.cfs_period_us=100000 cpu.cfs_quota_us=50000 cpu.cfs_burst_us=10000",
        ),
        ({"cpu": {"cpus": "0-1", "mems": "0"}}, "cpuset.cpus=0-1 cpuset.mems=0"),
        ({"pids": {"limit": 50}}, "pids.max=50"),
        ({"pids": {"limit": -1}}, "pids.max=max"),
        ({"hugepageLimits": [{"pageSize": "2MB", "limit": 7}]}, "hugetlb.2MB.limit_in_bytes=7"),
        ({"network": {"classID": 5}}, "net_cls.classid=5"),
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
    assert " ".join(f"{file}={value}" for file, value in v1.settings(resources)) == expected


def test_weights_fall_back_to_bfq() -> None:
    [(file, value)] = v1.settings({"blockIO": {"weight": 300}})
    assert (file, value) == ("blkio.weight", "300")
    assert v1.alternative(file, value) == ("blkio.bfq.weight", "300")
    assert v1.alternative("memory.limit_in_bytes", "1") is None


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ({"allow": False, "access": "rwm"}, "a"),
        ({"allow": True, "type": "a"}, "a"),
        ({"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"}, "c 1:3 rw"),
        ({"allow": True, "type": "b", "major": 8}, "b 8:* rwm"),
        ({"allow": True, "type": "c", "major": -1, "minor": -1, "access": "m"}, "c *:* m"),
    ],
)
def test_device_rules_become_lines(rule: dict[str, Any], line: str) -> None:
    assert v1.device_line(rule) == line


def test_devices_are_denied_first_and_the_common_ones_allowed_last() -> None:
    written = v1.device_settings([{"allow": True, "type": "c", "major": 10, "minor": 229}])
    assert written[:2] == [("devices.deny", "a"), ("devices.allow", "c 10:229 rwm")]
    assert written[-1] == ("devices.allow", "c 136:* rwm")


def test_kernel_memory_is_ignored_with_a_word() -> None:
    assert "memory.kernel is ignored" in v1.unsettable({"memory": {"kernel": 1 << 20}})[0]
