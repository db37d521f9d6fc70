"""Cgroup v2: the OCI resources, which speak v1, as settings, with the conversions.

The conversions are those of runc and crun, so that `--cpu-shares 1024` means the same everywhere.
Spec: Documentation/admin-guide/cgroup-v2.rst; OCI runtime-spec, config-linux.md#unified.
"""

from __future__ import annotations

import math

from lading.errors import InvalidArgument
from lading.kernel.cgroup import v1
from lading.kernel.cgroup.setting import Setting

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT_PERIOD_US = 100_000  # cpu.max of a new group


class SwapWithoutMemory(InvalidArgument):
    """unable to set swap limit without memory limit"""


class SwapBelowMemory(InvalidArgument):
    """memory+swap limit should be >= memory limit"""


class BadMemory(InvalidArgument):
    """invalid memory value: {0}"""


def memory(resources: Mapping[str, Any]) -> list[Setting]:
    """Swap first: so no moment has the new memory limit with the old allowance of swap."""
    asked = resources.get("memory") or {}
    limit, swap = asked.get("limit") or 0, asked.get("swap") or 0
    if limit == -1 and not swap:
        swap = -1  # v1 without a memory limit has none on memory and swap either
    listed: list[Setting] = []
    if swap:
        alone = swap_alone(swap, limit)
        # without swap accounting in the kernel there is no file, and no swap to limit
        listed.append(Setting("memory.swap.max", _or_max(alone), is_optional=alone <= 0))
    if limit:
        listed.append(Setting("memory.max", _or_max(limit)))
    if asked.get("reservation"):
        listed.append(Setting("memory.low", _or_max(asked["reservation"])))
    return listed


def cpu(resources: Mapping[str, Any]) -> list[Setting]:
    """The weight after `idle`, which forbids one; the burst again after the quota it must fit."""
    asked = resources.get("cpu") or {}
    listed: list[Setting] = []
    if asked.get("idle") is not None:
        listed.append(Setting("cpu.idle", asked["idle"]))
    if asked.get("shares"):
        listed.append(Setting("cpu.weight", weight_of_shares(asked["shares"])))
    if asked.get("burst") is not None:
        listed.append(Setting("cpu.max.burst", asked["burst"], depends=True))
    quota, period = asked.get("quota") or 0, asked.get("period") or 0
    if quota or period:
        allowed = quota if quota > 0 else "max"
        listed.append(Setting("cpu.max", f"{allowed} {period or DEFAULT_PERIOD_US}"))
    return listed


def io(resources: Mapping[str, Any]) -> list[Setting]:
    """BFQ keeps v1's range of weights, io.cost has its own."""
    asked = resources.get("blockIO") or {}
    listed: list[Setting] = []
    if weight := asked.get("weight"):
        of_cost = Setting("io.weight", f"default {weight_of_block_weight(weight)}")
        listed.append(Setting("io.bfq.weight", weight, otherwise=of_cost))
    for device in asked.get("weightDevice") or ():
        if weight := device.get("weight"):
            line = v1.device_value(device, weight_of_block_weight(weight))
            of_cost = Setting("io.weight", line)
            line = v1.device_value(device, weight)
            listed.append(Setting("io.bfq.weight", line, otherwise=of_cost))
    for field, (_, word) in v1.THROTTLES.items():
        for device in asked.get(field) or ():
            rate = device["rate"] or "max"  # v1 takes 0 for `no limit`
            listed.append(Setting("io.max", v1.device_value(device, f"{word}={rate}")))
    return listed


def hugetlb(resources: Mapping[str, Any]) -> list[Setting]:
    return v1.hugetlb(resources, "max")


def unsettable(resources: Mapping[str, Any]) -> list[str]:
    """What was asked and has no counterpart in v2, as sentences for the user."""
    ignored = []
    for section, field in (
        ("memory", "kernel"),
        ("memory", "kernelTCP"),
        ("memory", "swappiness"),
        ("memory", "disableOOMKiller"),
        ("cpu", "realtimeRuntime"),
        ("cpu", "realtimePeriod"),
        ("blockIO", "leafWeight"),
        ("network", "classID"),
        ("network", "priorities"),
    ):
        if (resources.get(section) or {}).get(field):
            ignored.append(f"{section}.{field} is ignored: cgroup v2 has no such limit")
    return ignored


def weight_of_shares(shares: int) -> int:
    """cpu.shares 2..262144 (default 1024) as cpu.weight 1..10000 (default 100).

    A parabola in the logarithms through the three pairs; a straight line would make the default
    of one 39 in the other. Formula: runc 1.4, opencontainers/cgroups.
    """
    if shares <= v1.MIN_SHARES:
        return 1
    if shares >= v1.MAX_SHARES:
        return 10000
    logarithm = math.log2(shares)
    return math.ceil(10 ** ((logarithm**2 + 125 * logarithm) / 612 - 7 / 34))


def weight_of_block_weight(weight: int) -> int:
    """blkio.weight 10..1000 as io.weight 1..10000, on a straight line."""
    return 1 + (weight - 10) * 9999 // 990


def swap_alone(swap: int, memory: int) -> int:
    """v1 limits memory and swap together, v2 swap alone: the difference; -1 is unlimited."""
    if swap == -1 or memory == -1:
        return swap
    if memory == 0:
        raise SwapWithoutMemory
    if memory < 0:
        raise BadMemory(memory)
    if swap < memory:
        raise SwapBelowMemory
    return swap - memory


def _or_max(value: int) -> object:
    return value if value >= 0 else "max"


CONTROLLERS = {
    "memory": memory,
    "cpu": cpu,
    "cpuset": v1.cpuset,
    "pids": v1.pids,
    "io": io,
    "hugetlb": hugetlb,
    "rdma": v1.rdma,
}
HANDED_DOWN = (*CONTROLLERS, "misc")  # enabled for containers; misc is set by `unified` alone
