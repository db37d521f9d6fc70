"""Which limits are refused, which are discarded with a warning, and which are kept."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from lading.containers.limits import HostLimits, check, parse_set
from lading.errors import InvalidArgument
from lading.wire.host_config import HostConfig, ThrottleDevice, WeightDevice

MIB = 1 << 20
ALL = frozenset(["cpu", "cpuset", "memory", "pids", "blkio"])
HOST = HostLimits(2, "0-1", "0", ALL)
BARE = HostLimits(
    2, "0-1", "0", frozenset(), has_swap=False, has_swappiness=False, has_oom_switch=False,
    has_weight=False, has_realtime=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (HostConfig(memory=6 * MIB - 1), "Minimum memory limit allowed is 6MB"),
        (HostConfig(memory=-1), "Minimum memory limit allowed is 6MB"),
        (
            HostConfig(memory=64 * MIB, memory_swap=63 * MIB),
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (
            HostConfig(memory_swap=64 * MIB),
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        (HostConfig(memory_swappiness=101), "valid memory swappiness range is 0-100"),
        (HostConfig(memory_reservation=1), "Minimum memory reservation allowed is 6MB"),
        (
            HostConfig(memory=64 * MIB, memory_reservation=65 * MIB),
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
        (
            HostConfig(nano_cpus=1, cpu_period=1000),
            "Conflicting options: Nano CPUs and CPU Period cannot both be set",
        ),
        (
            HostConfig(nano_cpus=1, cpu_quota=1000),
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
        ),
        (HostConfig(nano_cpus=2_000_000_001), "from 0.01 to 2.00, as there are only 2 CPUs"),
        (HostConfig(nano_cpus=-1), "range of CPUs is from 0.01"),
        (HostConfig(cpu_period=999), "CPU cfs period can not be less than 1ms"),
        (HostConfig(cpu_period=1_000_001), "or larger than 1s (i.e. 1000000)"),
        (HostConfig(cpu_quota=999), "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
        (
            HostConfig(cpu_realtime_period=1000, cpu_realtime_runtime=1001),
            "cpu real-time runtime cannot be higher than cpu real-time period",
        ),
        (HostConfig(cpuset_cpus="7"), "Requested CPUs are not available - requested 7, avail"),
        (HostConfig(cpuset_cpus="a"), "Invalid value a for cpuset cpus: invalid format: a"),
        (HostConfig(cpuset_mems="3"), "Requested memory nodes are not available"),
        (HostConfig(blkio_weight=5), "Range of blkio weight is from 10 to 1000"),
        (HostConfig(io_maximum_iops=1), "linux does not support Maximum IO Bandwidth"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_limits_that_cannot_be_are_refused(host: HostConfig, text: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(text)):
        check(host, HOST)


@pytest.mark.parametrize(
    "host",
    [
        HostConfig(),
        HostConfig(memory=6 * MIB),
        HostConfig(memory=64 * MIB, memory_swap=-1),
        HostConfig(memory_swap=-1),
        HostConfig(nano_cpus=2_000_000_000),
        HostConfig(cpu_period=1000, cpu_quota=1000),
        HostConfig(cpu_quota=-1),
        HostConfig(cpuset_cpus="0,1", cpuset_mems="0"),
        HostConfig(cpu_realtime_period=1000, cpu_realtime_runtime=1000),
        HostConfig(cpu_realtime_runtime=2000),  # of the period that the kernel begins with
        HostConfig(blkio_weight=10, memory_swappiness=0, oom_kill_disable=False),
    ],
)
def test_limits_at_their_edge_are_kept(host: HostConfig) -> None:
    assert check(host, HOST) == (host, [])


@pytest.mark.parametrize(
    "host", [HostConfig(cpu_realtime_period=1000), HostConfig(cpu_realtime_runtime=1000)]
)
def test_real_time_is_refused_where_the_kernel_has_no_budget_for_it(host: HostConfig) -> None:
    with pytest.raises(InvalidArgument, match="kernel does not support CPU real-time scheduler"):
        check(host, BARE)


@pytest.mark.parametrize(
    ("asked", "kept", "word"),
    [
        (
            HostConfig(memory=64 * MIB),
            HostConfig(memory_swap=-1),
            "does not support memory limit capabilities",
        ),
        (
            HostConfig(memory_swappiness=5),
            HostConfig(memory_swappiness=None),
            "Memory swappiness discarded",
        ),
        (HostConfig(memory_reservation=64 * MIB), HostConfig(), "memory soft limit"),
        (HostConfig(oom_kill_disable=True), HostConfig(), "OomKillDisable discarded"),
        (HostConfig(pids_limit=5), HostConfig(), "PIDs limit discarded"),
        (HostConfig(cpu_shares=5), HostConfig(), "Shares discarded"),
        (HostConfig(cpu_quota=5000), HostConfig(), "CPU period/quota discarded"),
        (HostConfig(cpuset_cpus="99"), HostConfig(), "CPUset discarded"),
        (HostConfig(blkio_weight=10), HostConfig(), "Weight discarded"),
        (
            HostConfig(blkio_weight_device=[WeightDevice(path="/dev/x", weight=10)]),
            HostConfig(blkio_weight_device=[]),
            "Weight-device discarded",
        ),
        (
            HostConfig(blkio_device_read_iops=[ThrottleDevice(path="/dev/x", rate=10)]),
            HostConfig(blkio_device_read_iops=[]),
            "IOPS read limit discarded",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_host_cannot_limit_is_discarded_with_a_warning(
    asked: HostConfig, kept: HostConfig, word: str
) -> None:
    left, [warning] = check(asked, BARE)
    assert left == kept
    assert word in warning


def test_memory_is_limited_without_swap_where_swap_cannot_be() -> None:
    asked = HostConfig(memory=64 * MIB, memory_swap=128 * MIB)
    left, [warning] = check(asked, HOST._replace(has_swap=False))
    assert (left.memory, left.memory_swap) == (64 * MIB, -1)
    assert "Memory limited without swap" in warning


def test_an_endless_container_without_oom_killer_is_warned_of() -> None:
    _, [warning] = check(HostConfig(oom_kill_disable=True), HOST)
    assert "no memory limit is set" in warning


def test_an_update_may_change_swap_alone() -> None:
    asked = HostConfig(memory_swap=64 * MIB)
    assert check(asked, HOST, is_update=True) == (asked, [])


def test_the_kernel_memory_limit_is_forgotten_without_a_word() -> None:
    left, warnings = check(HostConfig(kernel_memory=64 * MIB), HOST)
    assert (left.kernel_memory, warnings) == (UNSET, [])


@given(st.sets(st.integers(0, 500), max_size=20))
def test_a_set_of_cpus_is_read_back(numbers: set[int]) -> None:
    assert parse_set(",".join(str(n) for n in sorted(numbers))) == numbers


def test_a_range_of_cpus_has_both_ends() -> None:
    assert parse_set("0-2,7") == {0, 1, 2, 7}
    with pytest.raises(ValueError, match="invalid format"):
        parse_set("2-0")
