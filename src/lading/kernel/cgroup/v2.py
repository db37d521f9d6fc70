"""Cgroup v2: the OCI resources, which speak v1, as (file, value), with the conversions.

The conversions are those of runc and crun, so that `--cpu-shares 1024` means the same everywhere.
Spec: Documentation/admin-guide/cgroup-v2.rst; OCI runtime-spec, config-linux.md#unified.
"""

from __future__ import annotations

import math

from lading.errors import InvalidArgument
from lading.kernel.cgroup.v1 import rdma_line

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

Setting = tuple[str, str]  # file, value

DEFAULT_PERIOD_US = 100_000  # cpu.max of a new group
CONTROLLERS = ("cpu", "cpuset", "hugetlb", "io", "memory", "pids", "rdma")


class SwapWithoutMemory(InvalidArgument):
    """unable to set swap limit without memory limit"""


class SwapBelowMemory(InvalidArgument):
    """memory+swap limit should be >= memory limit"""


def settings(resources: Mapping[str, Any]) -> list[Setting]:
    """What to write for these resources, in order. Raises SwapWithoutMemory, SwapBelowMemory.

    `unified` comes last: it is what the user says in v2's own words.
    """
    listed = [
        *_memory(resources.get("memory") or {}),
        *_cpu(resources.get("cpu") or {}),
        *_pids(resources.get("pids") or {}),
        *_block_io(resources.get("blockIO") or {}),
    ]
    for page in resources.get("hugepageLimits") or ():
        listed.append((f"hugetlb.{page['pageSize']}.max", str(page["limit"])))
    for device, limits in (resources.get("rdma") or {}).items():
        listed.append(("rdma.max", rdma_line(device, limits)))
    return [*listed, *(resources.get("unified") or {}).items()]


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


def alternative(file: str, value: str) -> Setting | None:
    """What to write where a kernel lacks the file: BFQ keeps v1's range, io.cost has its own."""
    if file != "io.bfq.weight":
        return None
    device, _, weight = value.rpartition(" ")
    return "io.weight", f"{device or 'default'} {weight_of_block_weight(int(weight))}"


def weight_of_shares(shares: int) -> int:
    """cpu.shares 2..262144 (default 1024) as cpu.weight 1..10000 (default 100).

    A parabola in the logarithms through the three pairs; a straight line would make the default
    of one 39 in the other. Formula: runc 1.4, opencontainers/cgroups.
    """
    if shares <= 2:
        return 1
    if shares >= 262144:
        return 10000
    logarithm = math.log2(shares)
    return math.ceil(10 ** ((logarithm**2 + 125 * logarithm) / 612 - 7 / 34))


def weight_of_block_weight(weight: int) -> int:
    """blkio.weight 10..1000 as io.weight 1..10000, on a straight line."""
    return 1 + (weight - 10) * 9999 // 990


def swap_alone(swap: int, memory: int) -> int:
    """v1 limits memory and swap together, v2 swap alone: the difference; -1 is unlimited."""
    if swap == -1:
        return -1
    if memory <= 0:
        raise SwapWithoutMemory()
    if swap < memory:
        raise SwapBelowMemory()
    return swap - memory


def _or_max(value: int) -> str:
    return str(value) if value >= 0 else "max"


def _memory(memory: Mapping[str, Any]) -> list[Setting]:
    limit, swap = memory.get("limit") or 0, memory.get("swap") or 0
    listed: list[Setting] = []
    if limit == -1 and not swap:
        swap = -1  # v1 without a memory limit has none on memory and swap either
    # Swap first: the kernel then never sees the new memory limit with the old allowance of swap.
    if swap:
        listed.append(("memory.swap.max", _or_max(swap_alone(swap, limit))))
    if limit:
        listed.append(("memory.max", _or_max(limit)))
    if memory.get("reservation"):
        listed.append(("memory.low", _or_max(memory["reservation"])))
    return listed


def _cpu(cpu: Mapping[str, Any]) -> list[Setting]:
    listed: list[Setting] = []
    if cpu.get("shares"):
        listed.append(("cpu.weight", str(weight_of_shares(cpu["shares"]))))
    quota, period = cpu.get("quota") or 0, cpu.get("period") or 0
    if quota or period:
        allowed = str(quota) if quota > 0 else "max"
        listed.append(("cpu.max", f"{allowed} {period or DEFAULT_PERIOD_US}"))
    for field, name in (
        ("burst", "cpu.max.burst"),
        ("idle", "cpu.idle"),
        ("cpus", "cpuset.cpus"),
        ("mems", "cpuset.mems"),
    ):
        if cpu.get(field):
            listed.append((name, str(cpu[field])))
    return listed


def _pids(pids: Mapping[str, Any]) -> list[Setting]:
    limit = pids.get("limit")
    return [("pids.max", str(limit) if limit > 0 else "max")] if limit else []


def _block_io(block: Mapping[str, Any]) -> list[Setting]:
    listed: list[Setting] = []
    if weight := block.get("weight"):
        listed.append(("io.bfq.weight", str(weight)))
    for device in block.get("weightDevice") or ():
        if device.get("weight"):
            line = f"{device['major']}:{device['minor']} {device['weight']}"
            listed.append(("io.bfq.weight", line))
    for field, key in (
        ("throttleReadBpsDevice", "rbps"),
        ("throttleWriteBpsDevice", "wbps"),
        ("throttleReadIOPSDevice", "riops"),
        ("throttleWriteIOPSDevice", "wiops"),
    ):
        for device in block.get(field) or ():
            line = f"{device['major']}:{device['minor']} {key}={device['rate']}"
            listed.append(("io.max", line))
    return listed
