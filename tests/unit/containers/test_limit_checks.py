"""Limits are refused, completed or discarded as dockerd 28 does, in its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.containers.limit_checks import parse_list, settle
from lading.errors import InvalidArgument
from lading.kernel.cgroup.abilities import Abilities
from lading.wire.host_config import HostConfig, ThrottleDevice, WeightDevice

MIB = 1024 * 1024
EVERYTHING = Abilities(**dict.fromkeys(Abilities._fields, True))._replace(cpus="0-1", mems="0")  # type: ignore[arg-type]
NOTHING = Abilities()


def settled(host: HostConfig, can: Abilities = EVERYTHING) -> tuple[HostConfig, list[str]]:
    return settle(host, can, cpu_count=2)


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (HostConfig(memory=MIB), "Minimum memory limit allowed is 6MB"),
        (HostConfig(memory_reservation=MIB), "Minimum memory reservation allowed is 6MB"),
        (
            HostConfig(memory=64 * MIB, memory_reservation=65 * MIB),
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
        (
            HostConfig(memory=64 * MIB, memory_swap=32 * MIB),
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (
            HostConfig(memory_swap=64 * MIB),
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        (
            HostConfig(memory_swappiness=200),
            "Invalid value: 200, valid memory swappiness range is 0-100",
        ),
        (
            HostConfig(nano_cpus=1, cpu_period=1000),
            "Conflicting options: Nano CPUs and CPU Period cannot both be set",
        ),
        (
            HostConfig(nano_cpus=1, cpu_quota=1000),
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
        ),
        (
            HostConfig(nano_cpus=2_000_000_001),
            "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
        ),
        (
            HostConfig(nano_cpus=-1),
            "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available",
        ),
        (
            HostConfig(cpu_period=10),
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        (HostConfig(cpu_quota=10), "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
        (
            HostConfig(cpu_shares=-1),
            "invalid CPU shares (-1): value must be a positive integer",
        ),
        (
            HostConfig(cpu_realtime_runtime=1000, cpu_realtime_period=500),
            "cpu real-time runtime cannot be higher than cpu real-time period",
        ),
        (
            HostConfig(cpuset_cpus="9"),
            "Requested CPUs are not available - requested 9, available: 0-1",
        ),
        (HostConfig(cpuset_cpus="abc"), "Invalid value abc for cpuset cpus: invalid format: abc"),
        (
            HostConfig(cpuset_mems="7"),
            "Requested memory nodes are not available - requested 7, available: 0",
        ),
        (HostConfig(cpuset_mems="x"), "Invalid value x for cpuset mems: invalid format: x"),
        (HostConfig(blkio_weight=5), "Range of blkio weight is from 10 to 1000"),
        (
            HostConfig(io_maximum_bandwidth=5),
            "invalid option: QoS maximum bandwidth configuration is not supported on linux",
        ),
        (
            HostConfig(oom_score_adj=2000),
            "Invalid value 2000, range for oom score adj is [-1000, 1000]",
        ),
        (HostConfig(shm_size=-1), "SHM size can not be less than 0"),
    ],
)
def test_what_cannot_be_is_refused(host: HostConfig, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        settled(host)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "host",
    [
        HostConfig(),
        HostConfig(memory=6 * MIB),
        HostConfig(memory=64 * MIB, memory_swap=-1),
        HostConfig(memory_swap=-1),
        HostConfig(memory_swappiness=100),
        HostConfig(nano_cpus=2_000_000_000),
        HostConfig(cpu_period=1000, cpu_quota=1000),
        HostConfig(cpuset_cpus="0,1", cpuset_mems="0"),
        HostConfig(blkio_weight=1000),
    ],
)
def test_limits_at_their_edge_are_accepted(host: HostConfig) -> None:
    assert settled(host)[1] == []


def test_memory_allows_as_much_swap_again() -> None:
    assert settled(HostConfig(memory=64 * MIB))[0].memory_swap == 128 * MIB
    assert settled(HostConfig(memory=64 * MIB, memory_swap=-1))[0].memory_swap == -1


def test_an_update_leaves_what_it_does_not_name() -> None:
    host, _ = settle(HostConfig(memory=64 * MIB), EVERYTHING, cpu_count=2, is_update=True)
    assert (host.memory_swap, host.oom_kill_disable) == (0, None)
    settle(HostConfig(memory_swap=64 * MIB), EVERYTHING, cpu_count=2, is_update=True)


def test_out_of_memory_killing_is_on_unless_it_was_asked_away() -> None:
    assert settled(HostConfig())[0].oom_kill_disable is False
    assert settled(HostConfig(), NOTHING)[0].oom_kill_disable is None
    host, [warning] = settled(HostConfig(oom_kill_disable=True))
    assert host.oom_kill_disable is True
    assert warning.startswith("OOM killer is disabled for the container, but no memory limit is")


def test_a_swappiness_of_minus_one_is_not_set() -> None:
    assert settled(HostConfig(memory_swappiness=-1))[0].memory_swappiness is None


@pytest.mark.parametrize(
    ("host", "text", "field", "left"),
    [
        (
            HostConfig(memory=64 * MIB),
            "memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
            "memory",
            0,
        ),
        (
            HostConfig(memory_swappiness=5),
            "memory swappiness capabilities or the cgroup is not mounted. "
            "Memory swappiness discarded.",
            "memory_swappiness",
            None,
        ),
        (
            HostConfig(memory_reservation=64 * MIB),
            "memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.",
            "memory_reservation",
            0,
        ),
        (
            HostConfig(oom_kill_disable=True, memory=0),
            "OomKillDisable. OomKillDisable discarded.",
            "oom_kill_disable",
            None,
        ),
        (
            HostConfig(pids_limit=5),
            "PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
            "pids_limit",
            None,
        ),
        (
            HostConfig(cpu_shares=5),
            "CPU shares or the cgroup is not mounted. Shares discarded.",
            "cpu_shares",
            0,
        ),
        (
            HostConfig(cpu_period=5000),
            "CPU CFS scheduler. CPU period/quota discarded.",
            "cpu_period",
            0,
        ),
        (
            HostConfig(cpuset_cpus="0"),
            "cpuset or the cgroup is not mounted. Cpuset discarded.",
            "cpuset_cpus",
            "",
        ),
        (
            HostConfig(blkio_weight=5),
            "Block I/O weight or the cgroup is not mounted. Weight discarded.",
            "blkio_weight",
            0,
        ),
        (
            HostConfig(blkio_weight_device=[WeightDevice(path="/dev/a", weight=5)]),
            "Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.",
            "blkio_weight_device",
            [],
        ),
        (
            HostConfig(blkio_device_write_iops=[ThrottleDevice(path="/dev/a", rate=5)]),
            "IOPS Block write limit or the cgroup is not mounted. "
            "Block I/O IOPS write limit discarded.",
            "blkio_device_write_iops",
            [],
        ),
    ],
)
def test_what_the_host_cannot_is_discarded(
    host: HostConfig, text: str, field: str, left: object
) -> None:
    found, [warning] = settled(host, NOTHING)
    assert warning == f"Your kernel does not support {text}"
    assert getattr(found, field) == left


def test_memory_is_limited_without_swap_where_swap_is_not_counted() -> None:
    host, [warning] = settled(HostConfig(memory=64 * MIB), EVERYTHING._replace(swap=False))
    assert (host.memory, host.memory_swap) == (64 * MIB, -1)
    assert warning.endswith("Memory limited without swap.")


def test_cpus_and_real_time_are_refused_where_there_are_none() -> None:
    with pytest.raises(InvalidArgument, match="NanoCPUs can not be set, as your kernel does not"):
        settled(HostConfig(nano_cpus=1_000_000_000), NOTHING)
    with pytest.raises(InvalidArgument, match="kernel does not support CPU real-time scheduler"):
        settled(HostConfig(cpu_realtime_runtime=5), NOTHING)


def test_a_percentage_is_windows_business() -> None:
    host, warnings = settled(HostConfig(cpu_percent=5))
    assert (host.cpu_percent, warnings) == (
        0,
        ["linux does not support CPU percent. Percent discarded."],
    )


@given(st.sets(st.integers(0, 8191), max_size=20))
def test_a_list_of_numbers_is_read_back(numbers: set[int]) -> None:
    assert parse_list(",".join(map(str, numbers))) == numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0-2,7", {0, 1, 2, 7}), ("", set()), ("2-0", None), ("0-9999999999", None), ("1,", None)],
)
def test_lists_have_ranges(text: str, expected: set[int] | None) -> None:
    assert parse_list(text) == expected
