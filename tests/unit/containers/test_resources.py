"""Docker's limits become the runtime spec's, and contradictions are refused."""

import pytest

from lading.containers import resources
from lading.wire.host_config import HostConfig, Ulimit

MIB = 1024 * 1024


def limits(host: HostConfig) -> dict[str, object]:
    """linux.resources without the devices, which are always there."""
    found = resources.limits(host)
    return found


def test_nothing_asked_is_nothing_limited() -> None:
    assert limits(HostConfig()) == {}


def test_memory_allows_as_much_swap_again() -> None:
    assert limits(HostConfig(memory=64 * MIB)) == {"memory": {"limit": 64 * MIB, "swap": 128 * MIB}}


@pytest.mark.parametrize("swap", [-2, -(1 << 40)])
def test_any_negative_swap_is_unlimited(swap: int) -> None:
    found = limits(HostConfig(memory=64 * MIB, memory_swap=swap))
    assert found == {"memory": {"limit": 64 * MIB, "swap": -1}}


@pytest.mark.parametrize("swap", [64 * MIB, 96 * MIB, -1])
def test_swap_is_what_was_said(swap: int) -> None:
    assert limits(HostConfig(memory=64 * MIB, memory_swap=swap)) == {
        "memory": {"limit": 64 * MIB, "swap": swap}
    }


def test_further_memory_settings_are_handed_on() -> None:
    host = HostConfig(memory_reservation=8 * MIB, memory_swappiness=0, oom_kill_disable=True)
    assert limits(host) == {
        "memory": {"reservation": 8 * MIB, "swappiness": 0, "disableOOMKiller": True}
    }


def test_a_swappiness_of_minus_one_is_the_hosts() -> None:
    assert limits(HostConfig(memory_swappiness=-1)) == {}


def test_cpus_are_a_share_of_each_period() -> None:
    assert limits(HostConfig(nano_cpus=1_500_000_000)) == {
        "cpu": {"period": 100_000, "quota": 150_000}
    }


def test_cpu_settings_are_handed_on() -> None:
    host = HostConfig(
        cpu_shares=512, cpu_period=50_000, cpu_quota=25_000, cpuset_cpus="0-1", cpuset_mems="0"
    )
    assert limits(host) == {
        "cpu": {"shares": 512, "period": 50_000, "quota": 25_000, "cpus": "0-1", "mems": "0"}
    }


@pytest.mark.parametrize("count", [10, -1])
def test_the_number_of_processes_is_limited(count: int) -> None:
    assert limits(HostConfig(pids_limit=count)) == {"pids": {"limit": count}}


def test_ulimits_have_the_names_of_setrlimit() -> None:
    host = HostConfig(ulimits=[Ulimit(name="nofile", soft=10, hard=20)])
    assert resources.rlimits(host) == [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}]
