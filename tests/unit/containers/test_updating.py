"""What an update makes of the limits of a container."""

import re

import pytest

from lading.containers.updating import merge
from lading.errors import Conflict
from lading.wire.containers import ContainerUpdate
from lading.wire.host_config import HostConfig, RestartPolicy

MIB = 1 << 20


def test_only_what_is_asked_is_changed() -> None:
    host = HostConfig(memory=64 * MIB, cpu_shares=7, network_mode="none")
    changed = merge(host, ContainerUpdate(cpu_shares=9, pids_limit=5))
    assert changed == HostConfig(memory=64 * MIB, cpu_shares=9, pids_limit=5, network_mode="none")


def test_the_restart_policy_is_changed_when_it_is_named() -> None:
    policy = RestartPolicy(name="always")
    assert merge(HostConfig(), ContainerUpdate(restart_policy=policy)).restart_policy == policy
    asked = ContainerUpdate(restart_policy=RestartPolicy(maximum_retry_count=3))
    assert merge(HostConfig(restart_policy=policy), asked).restart_policy == policy


def test_memory_may_not_go_above_memory_and_swap() -> None:
    host = HostConfig(memory=64 * MIB, memory_swap=128 * MIB)
    with pytest.raises(Conflict, match="update the memoryswap at the same time"):
        merge(host, ContainerUpdate(memory=129 * MIB))
    both = merge(host, ContainerUpdate(memory=129 * MIB, memory_swap=200 * MIB))
    assert (both.memory, both.memory_swap) == (129 * MIB, 200 * MIB)


def test_memory_may_be_limited_where_nothing_was() -> None:
    assert merge(HostConfig(), ContainerUpdate(memory=64 * MIB)).memory == 64 * MIB


@pytest.mark.parametrize(
    ("host", "asked", "text"),
    [
        (HostConfig(nano_cpus=1), ContainerUpdate(cpu_period=1000), "CPU Period cannot be updated"),
        (HostConfig(nano_cpus=1), ContainerUpdate(cpu_quota=1000), "CPU Quota cannot be updated"),
        (HostConfig(cpu_period=1000), ContainerUpdate(nano_cpus=1), "as CPU Period has already"),
        (HostConfig(cpu_quota=1000), ContainerUpdate(nano_cpus=1), "as CPU Quota has already"),
    ],
)
def test_two_ways_to_limit_cpus_exclude_each_other(
    host: HostConfig, asked: ContainerUpdate, text: str
) -> None:
    with pytest.raises(Conflict, match=re.escape(text)):
        merge(host, asked)
