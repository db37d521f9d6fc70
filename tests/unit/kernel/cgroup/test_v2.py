"""OCI resources as v2 files, with v1's words converted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel.cgroup import v2
from lading.kernel.cgroup.setting import Setting


def settings(resources: dict[str, Any]) -> list[Setting]:
    """All controllers' settings, in the order in which they are written."""
    return [each for translate in v2.CONTROLLERS.values() for each in translate(resources)]


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, ""),
        (
            {"memory": {"limit": 64, "swap": 128, "reservation": 32}},
            "memory.swap.max=64 memory.max=64 memory.low=32",
        ),
        ({"memory": {"limit": 64, "swap": -1}}, "memory.swap.max=max memory.max=64"),
        ({"memory": {"limit": 64, "swap": 64}}, "memory.swap.max=0 memory.max=64"),
        ({"memory": {"limit": -1}}, "memory.swap.max=max memory.max=max"),
        ({"cpu": {"shares": 1024}}, "cpu.weight=100"),
        ({"cpu": {"quota": 50000}}, "cpu.max=50000 100000"),
        ({"cpu": {"quota": -1, "period": 20000}}, "cpu.max=max 20000"),
        ({"cpu": {"cpus": "0", "burst": 5}}, "cpu.max.burst=5 cpuset.cpus=0"),
        ({"pids": {"limit": -1}}, "pids.max=max"),
        (
            {"blockIO": {"throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 9}]}},
            "io.max=8:0 wiops=9",
        ),
        (
            {"hugepageLimits": [{"pageSize": "2MB", "limit": 7}]},
            "hugetlb.2MB.max=7 hugetlb.2MB.rsvd.max=7",
        ),
        ({"memory": {"limit": -1, "swap": 10}}, "memory.swap.max=10 memory.max=max"),
        ({"cpu": {"idle": 0, "shares": 2}}, "cpu.idle=0 cpu.weight=1"),
        (
            {"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 0}]}},
            "io.max=8:0 rbps=max",
        ),
    ],
)
def test_resources_become_files(resources: dict[str, Any], expected: str) -> None:
    assert " ".join(map(str, settings(resources))) == expected


@pytest.mark.parametrize(
    ("shares", "weight"), [(0, 1), (2, 1), (1024, 100), (262144, 10000), (1 << 20, 10000)]
)
def test_shares_keep_their_ends_and_their_default(shares: int, weight: int) -> None:
    assert v2.weight_of_shares(shares) == weight


@given(st.integers(2, 262143))
def test_more_shares_are_never_less_weight(shares: int) -> None:
    low, high = v2.weight_of_shares(shares), v2.weight_of_shares(shares + 1)
    assert 1 <= low <= high <= 10000


def test_block_weights_cover_the_whole_range() -> None:
    assert [v2.weight_of_block_weight(w) for w in (10, 500, 1000)] == [1, 4950, 10000]


def test_block_weights_fall_back_to_io_weight() -> None:
    asked = {"weight": 1000, "weightDevice": [{"major": 8, "minor": 0, "weight": 10}]}
    listed = settings({"blockIO": asked})
    assert [str(each) for each in listed] == ["io.bfq.weight=1000", "io.bfq.weight=8:0 10"]
    assert [str(each.otherwise) for each in listed] == [
        "io.weight=default 10000",
        "io.weight=8:0 1",
    ]


def test_no_swap_at_all_needs_no_file_for_it() -> None:
    [swap, _] = settings({"memory": {"limit": 64, "swap": 64}})
    assert (str(swap), swap.is_optional) == ("memory.swap.max=0", True)
    [swap, _] = settings({"memory": {"limit": 64, "swap": 128}})
    assert not swap.is_optional


@pytest.mark.parametrize(
    ("memory", "error"),
    [
        ({"swap": 10}, v2.SwapWithoutMemory),
        ({"limit": -2, "swap": 10}, v2.BadMemory),
        ({"limit": 20, "swap": 10}, v2.SwapBelowMemory),
    ],
)
def test_swap_needs_a_memory_limit_below_it(memory: dict[str, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        settings({"memory": memory})


def test_what_v2_does_not_have_is_ignored_with_a_word() -> None:
    asked = {"memory": {"swappiness": 10, "disableOOMKiller": True}, "cpu": {"shares": 2}}
    assert [line.split()[0] for line in v2.unsettable(asked)] == [
        "memory.swappiness",
        "memory.disableOOMKiller",
    ]
