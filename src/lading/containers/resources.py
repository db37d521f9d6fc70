"""Limits: from Docker's HostConfig to the runtime spec's rlimits and resources. Pure.

Sources: Docker Engine API HostConfig; runtime-spec config-linux.md; the defaults are moby's.
"""

from lading.wire.host_config import HostConfig

CPU_PERIOD_US = 100_000  # CFS period that --cpus is expressed in
UNLIMITED = -1


def limits(host: HostConfig, *, has_swap_limit: bool = True) -> dict[str, object]:
    """linux.resources without what needs the host's devices; keys only for what was asked.

    Without `has_swap_limit` (cgroup v1, no swap accounting) memory alone is limited.
    """
    asked: dict[str, object] = {}
    for part, values in (("memory", _memory(host, has_swap_limit)), ("cpu", _cpu(host))):
        if values:
            asked[part] = values
    pids = host.pids_limit
    if pids:
        asked["pids"] = {"limit": pids}
    return asked


def _memory(host: HostConfig, has_swap_limit: bool) -> dict[str, object]:
    memory = host.memory or 0
    swap = max(host.memory_swap or 0, UNLIMITED)  # Docker takes any negative number for that
    if not memory and swap < 0:  # unlimited, as all is
        swap = 0
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
        "realtimePeriod": host.cpu_realtime_period,
        "realtimeRuntime": host.cpu_realtime_runtime,
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
