"""Limits: from Docker's HostConfig to the runtime spec's rlimits, resources and devices. Pure.

Sources: Docker Engine API HostConfig; runtime-spec config-linux.md; the defaults are moby's.
"""

from lading.errors import InvalidArgument
from lading.wire.host_config import HostConfig

CPU_PERIOD_US = 100_000  # CFS period that --cpus is expressed in
SMALLEST_MEMORY = 6 * 1024 * 1024  # Docker's floor, below it no container starts


class MemoryTooSmall(InvalidArgument):
    """Minimum memory limit allowed is 6MB"""


class SwapBelowMemory(InvalidArgument):
    """Minimum memoryswap limit should be larger than memory limit, see usage"""


class SwapWithoutMemory(InvalidArgument):
    """You should always set the Memory limit when using Memoryswap limit, see usage"""


class TooManyCpus(InvalidArgument):
    """Range of CPUs is from 0.01 to {0}.00, as there are only {0} CPUs available"""


class CpusAndQuota(InvalidArgument):
    """Conflicting options: Nano CPUs and CPU {0} cannot both be set."""


def check(host: HostConfig, *, cpu_count: int) -> None:
    """Refuse limits that contradict each other, with dockerd's words. Raises InvalidArgument."""
    memory, swap = (host.memory or 0), (host.memory_swap or 0)
    if 0 < memory < SMALLEST_MEMORY:
        raise MemoryTooSmall
    if memory and 0 < swap < memory:
        raise SwapBelowMemory
    if not memory and swap > 0:
        raise SwapWithoutMemory
    nano = host.nano_cpus or 0
    if nano and (host.cpu_period or 0):
        raise CpusAndQuota("Period")
    if nano and (host.cpu_quota or 0):
        raise CpusAndQuota("Quota")
    if nano < 0 or nano > cpu_count * 1_000_000_000:
        raise TooManyCpus(cpu_count)


def limits(host: HostConfig, *, has_swap_limit: bool = True) -> dict[str, object]:
    """linux.resources; keys only for what was asked.

    Without `has_swap_limit` (cgroup v1, no swap accounting) memory alone is limited.
    """
    asked: dict[str, object] = {"devices": device_rules(host)}
    for part, values in (("memory", _memory(host, has_swap_limit)), ("cpu", _cpu(host))):
        if values:
            asked[part] = values
    pids = host.pids_limit
    if pids:
        asked["pids"] = {"limit": pids}
    weight = host.blkio_weight or 0
    if weight:
        asked["blockIO"] = {"weight": weight}
    return asked


def _memory(host: HostConfig, has_swap_limit: bool) -> dict[str, object]:
    memory, swap = (host.memory or 0), (host.memory_swap or 0)
    values: dict[str, object] = {
        "limit": memory,
        "reservation": (host.memory_reservation or 0),
        # Docker: a memory limit alone allows as much swap again
        "swap": (swap or memory * 2) if has_swap_limit else 0,
    }
    values = {name: value for name, value in values.items() if value}
    swappiness = host.memory_swappiness
    if swappiness is not None and swappiness != -1:
        values["swappiness"] = swappiness
    if host.oom_kill_disable:
        values["disableOOMKiller"] = True
    return values


def _cpu(host: HostConfig) -> dict[str, object]:
    values: dict[str, object] = {
        "shares": (host.cpu_shares or 0),
        "period": (host.cpu_period or 0),
        "quota": (host.cpu_quota or 0),
        "cpus": (host.cpuset_cpus or ""),
        "mems": (host.cpuset_mems or ""),
    }
    nano = host.nano_cpus or 0
    if nano:
        values["period"] = CPU_PERIOD_US
        values["quota"] = nano * CPU_PERIOD_US // 1_000_000_000
    return {name: value for name, value in values.items() if value}


def rlimits(host: HostConfig) -> list[dict[str, object]]:
    """process.rlimits from --ulimit."""
    return [
        {"type": f"RLIMIT_{limit.name.upper()}", "soft": limit.soft, "hard": limit.hard}
        for limit in host.ulimits or []
    ]


def device_rules(host: HostConfig) -> list[dict[str, object]]:
    """linux.resources.devices: --privileged allows all.

    Nothing else is said: the runtime denies every device and then allows Docker's list, and each
    rule said twice costs three system calls a start (`lading.kernel.cgroup.device_rules.DEFAULTS`).
    """
    return [{"allow": True, "access": "rwm"}] if host.privileged else []


def devices(host: HostConfig) -> list[dict[str, object]]:
    """linux.devices: none beyond the standard nodes, which init makes; --device comes later."""
    if host.devices:
        raise DevicesNotSupported
    return []


class DevicesNotSupported(InvalidArgument):
    """--device is not supported yet (use --privileged, or bind the node with -v)"""
