"""What this host can limit, read once: controllers, CPUs, memory nodes, and files that not every
kernel has.
"""

import os
from functools import lru_cache

from lading.containers.limits import HostLimits
from lading.containers.preparation import has_swap_limit
from lading.kernel.cgroup import Hierarchies, hierarchies


@lru_cache(maxsize=1)
def host_limits() -> HostLimits:
    """The limits of the host that the engine runs on."""
    trees = hierarchies()
    memory, block = trees.v1.get("memory"), trees.v1.get("blkio")
    return HostLimits(
        cpu_count=os.cpu_count() or 1,
        cpus=_read("/sys/devices/system/cpu/online") or "0",
        memory_nodes=_read("/sys/devices/system/node/online") or "0",
        controllers=frozenset(trees.v1) | trees.v2_controllers(),
        has_swap=has_swap_limit(trees),
        has_swappiness=memory is not None and os.path.exists(f"{memory}/memory.swappiness"),
        has_oom_switch=memory is not None and os.path.exists(f"{memory}/memory.oom_control"),
        has_weight=_has_weight(trees, block),
        has_realtime=os.path.exists(f"{trees.v1.get('cpu')}/cpu.rt_runtime_us"),
    )


def _has_weight(trees: Hierarchies, block: str | None) -> bool:
    if block is None:
        return "io" in trees.v2_controllers()
    # BFQ's weights are not shown in the root's directory, its counters are
    return any(os.path.exists(f"{block}/blkio.{name}") for name in ("weight", "bfq.io_serviced"))


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
