"""Which limits this host can set: what to refuse, or take with a warning, before a start fails.

For the engine alone; monitors do not load it. The questions are those of moby's pkg/sysinfo.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from lading.kernel.cgroup.hierarchy import Hierarchies, read_text


class Abilities(NamedTuple):
    """A field per limit; `cpus` and `mems` are lists as the kernel writes them, `0-3,8`."""

    memory: bool = False
    swap: bool = False
    reservation: bool = False
    oom_kill_disable: bool = False
    swappiness: bool = False
    cpu_shares: bool = False
    cpu_cfs: bool = False
    cpu_realtime: bool = False
    cpuset: bool = False
    pids: bool = False
    blkio_weight: bool = False
    blkio_weight_device: bool = False
    blkio_throttle: bool = False
    cpus: str = ""
    mems: str = ""


def read(trees: Hierarchies) -> Abilities:
    """What the mounted hierarchies offer."""
    return _of_v2(trees) if trees.is_unified() else _of_v1(trees)


def _of_v1(trees: Hierarchies) -> Abilities:
    def has(file: str) -> bool:
        mount = trees.v1.get(file.partition(".")[0])
        return mount is not None and os.path.exists(f"{mount}/{file}")

    # BFQ's weights are not shown in the root's directory, its counters are
    has_bfq = has("blkio.bfq.io_serviced")
    return Abilities(
        memory="memory" in trees.v1,
        swap=has("memory.memsw.limit_in_bytes"),
        reservation=has("memory.soft_limit_in_bytes"),
        oom_kill_disable=has("memory.oom_control"),
        swappiness=has("memory.swappiness"),
        cpu_shares=has("cpu.shares"),
        cpu_cfs=has("cpu.cfs_quota_us"),
        cpu_realtime=has("cpu.rt_period_us"),
        cpuset="cpuset" in trees.v1,
        pids="pids" in trees.v1,
        blkio_weight=has("blkio.weight") or has_bfq,
        blkio_weight_device=has("blkio.weight_device") or has_bfq,
        blkio_throttle=has("blkio.throttle.read_bps_device"),
        cpus=_text(trees.v1.get("cpuset"), "cpuset.cpus"),
        mems=_text(trees.v1.get("cpuset"), "cpuset.mems"),
    )


def _of_v2(trees: Hierarchies) -> Abilities:
    there = trees.v2_controllers()
    return Abilities(
        memory="memory" in there,
        swap="memory" in there and os.path.exists("/proc/swaps"),  # a kernel with swap counts it
        reservation="memory" in there,
        cpu_shares="cpu" in there,
        cpu_cfs="cpu" in there,
        cpuset="cpuset" in there,
        pids="pids" in there,
        blkio_weight="io" in there,
        blkio_weight_device="io" in there,
        blkio_throttle="io" in there,
        cpus=_text(trees.v2, "cpuset.cpus.effective"),
        mems=_text(trees.v2, "cpuset.mems.effective"),
    )


def _text(directory: str | None, file: str) -> str:
    try:
        return read_text(f"{directory}/{file}").strip() if directory else ""
    except FileNotFoundError:
        return ""
