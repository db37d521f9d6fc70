"""Docker's limits become the runtime spec's."""

import pytest

from lading.containers import resources
from lading.containers.resources import limits
from lading.wire.host_config import HostConfig, ThrottleDevice, Ulimit, WeightDevice

MIB = 1024 * 1024


def test_nothing_asked_is_nothing_limited() -> None:
    assert limits(HostConfig()) == {}


def test_an_unlimited_swap_is_nothing_to_say_of_a_new_container() -> None:
    host = HostConfig(memory=64 * MIB, memory_swap=-1, pids_limit=-1)
    assert limits(host) == {"memory": {"limit": 64 * MIB}}
    assert limits(host, is_update=True) == {
        "memory": {"limit": 64 * MIB, "swap": -1},
        "pids": {"limit": -1},
    }


def test_memory_settings_are_handed_on() -> None:
    host = HostConfig(
        memory=64 * MIB,
        memory_swap=96 * MIB,
        memory_reservation=8 * MIB,
        memory_swappiness=0,
        oom_kill_disable=True,
    )
    assert limits(host) == {
        "memory": {
            "limit": 64 * MIB,
            "swap": 96 * MIB,
            "reservation": 8 * MIB,
            "swappiness": 0,
            "disableOOMKiller": True,
        }
    }


def test_a_swappiness_of_minus_one_is_the_hosts() -> None:
    assert limits(HostConfig(memory_swappiness=-1)) == {}


def test_cpus_are_a_share_of_each_period() -> None:
    assert limits(HostConfig(nano_cpus=1_500_000_000)) == {
        "cpu": {"period": 100_000, "quota": 150_000}
    }


def test_cpu_settings_are_handed_on() -> None:
    host = HostConfig(
        cpu_shares=512,
        cpu_period=50_000,
        cpu_quota=25_000,
        cpu_realtime_period=1_000_000,
        cpu_realtime_runtime=950_000,
        cpuset_cpus="0-1",
        cpuset_mems="0",
    )
    assert limits(host) == {
        "cpu": {
            "shares": 512,
            "period": 50_000,
            "quota": 25_000,
            "realtimePeriod": 1_000_000,
            "realtimeRuntime": 950_000,
            "cpus": "0-1",
            "mems": "0",
        }
    }


@pytest.mark.parametrize(("asked", "expected"), [(10, {"pids": {"limit": 10}}), (-1, {}), (0, {})])
def test_the_number_of_processes_is_limited(asked: int, expected: dict[str, object]) -> None:
    assert limits(HostConfig(pids_limit=asked)) == expected


def test_block_devices_are_told_by_their_numbers() -> None:
    host = HostConfig(
        blkio_weight=300,
        blkio_weight_device=[WeightDevice(path="/dev/a", weight=400)],
        blkio_device_read_bps=[ThrottleDevice(path="/dev/b", rate=1000)],
        blkio_device_write_iops=[ThrottleDevice(path="/dev/a", rate=10)],
    )
    a, b = {"major": 8, "minor": 0}, {"major": 8, "minor": 16}
    assert limits(host, numbers={"/dev/a": (8, 0), "/dev/b": (8, 16)}) == {
        "blockIO": {
            "weight": 300,
            "weightDevice": [{**a, "weight": 400}],
            "throttleReadBpsDevice": [{**b, "rate": 1000}],
            "throttleWriteIOPSDevice": [{**a, "rate": 10}],
        }
    }


def test_ulimits_have_the_names_of_setrlimit() -> None:
    host = HostConfig(ulimits=[Ulimit(name="nofile", soft=10, hard=20)])
    assert resources.rlimits(host) == [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}]
