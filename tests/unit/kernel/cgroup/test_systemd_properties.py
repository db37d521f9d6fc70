"""Limits in systemd's words."""

from typing import Any

import pytest

from lading.kernel.cgroup.systemd_properties import INFINITY, properties


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, []),
        (
            {"memory": {"limit": 64, "swap": 96, "reservation": 32}},
            [("MemoryMax", ("t", 64)), ("MemoryLow", ("t", 32)), ("MemorySwapMax", ("t", 32))],
        ),
        (
            {"memory": {"limit": -1, "swap": -1}},
            [("MemoryMax", ("t", INFINITY)), ("MemorySwapMax", ("t", INFINITY))],
        ),
        ({"cpu": {"shares": 1024}}, [("CPUWeight", ("t", 100))]),
        (
            {"cpu": {"quota": 33_333, "period": 100_000}},
            [("CPUQuotaPeriodUSec", ("t", 100_000)), ("CPUQuotaPerSecUSec", ("t", 340_000))],
        ),
        ({"cpu": {"quota": -1}}, [("CPUQuotaPerSecUSec", ("t", INFINITY))]),
        ({"pids": {"limit": -1}}, [("TasksMax", ("t", INFINITY))]),
        (
            {"cpu": {"cpus": "0-2,9", "mems": "0"}},
            [("AllowedCPUs", ("ay", b"\x07\x02")), ("AllowedMemoryNodes", ("ay", b"\x01"))],
        ),
        (
            {"unified": {"memory.high": "64", "memory.min": "max", "pids.max": "7", "io.x": "1"}},
            [
                ("MemoryHigh", ("t", 64)),
                ("MemoryMin", ("t", INFINITY)),
                ("TasksMax", ("t", 7)),
            ],
        ),
        (
            {"cpu": {"shares": 1024}, "unified": {"cpu.weight": "7", "cpuset.cpus": "0"}},
            [
                ("CPUWeight", ("t", 100)),
                ("CPUWeight", ("t", 7)),
                ("AllowedCPUs", ("ay", b"\x01")),
            ],
        ),
        (
            {"unified": {"cpu.max": "50000 100000"}},
            [("CPUQuotaPeriodUSec", ("t", 100_000)), ("CPUQuotaPerSecUSec", ("t", 500_000))],
        ),
        ({"unified": {"cpu.max": "max"}}, [("CPUQuotaPerSecUSec", ("t", INFINITY))]),
    ],
)
def test_limits_have_names_of_systemds(resources: dict[str, Any], expected: list[Any]) -> None:
    assert properties(resources) == expected
