"""Limits: from Docker's HostConfig to the runtime spec's rlimits and resources. Pure.

What contradicts itself was refused before (`limit_checks`). Sources: Docker Engine API HostConfig;
runtime-spec config-linux.md; moby, daemon/daemon_unix.go.
"""

from collections.abc import Sequence

from lading.wire.host_config import HostConfig, ThrottleDevice

CPU_PERIOD_US = 100_000  # CFS period that --cpus is expressed in
Numbers = dict[str, tuple[int, int]]  # block devices by path: major, minor


def limits(
    host: HostConfig, *, numbers: Numbers | None = None, is_update: bool = False
) -> dict[str, object]:
    """linux.resources without device rules; keys only for what was asked.

    An update says also what becomes unlimited (-1), which is nothing to say of a new container.
    """
    asked: dict[str, object] = {}
    parts = {
        "memory": _memory(host, is_update=is_update),
        "cpu": _cpu(host),
        "blockIO": _block_io(host, numbers or {}),
    }
    asked.update({name: values for name, values in parts.items() if values})
    if host.pids_limit is not None and (host.pids_limit > 0 or is_update):
        asked["pids"] = {"limit": host.pids_limit if host.pids_limit > 0 else -1}
    return asked


def _memory(host: HostConfig, *, is_update: bool) -> dict[str, object]:
    values: dict[str, object] = {
        "limit": host.memory,
        "reservation": host.memory_reservation,
        "swap": host.memory_swap if host.memory_swap > 0 or is_update else 0,
    }
    values = {name: value for name, value in values.items() if value}
    if host.memory_swappiness is not None and host.memory_swappiness != -1:
        values["swappiness"] = host.memory_swappiness
    if host.oom_kill_disable:
        values["disableOOMKiller"] = True
    return values


def _cpu(host: HostConfig) -> dict[str, object]:
    values: dict[str, object] = {
        "shares": host.cpu_shares,
        "period": host.cpu_period,
        "quota": host.cpu_quota,
        "realtimePeriod": host.cpu_realtime_period,
        "realtimeRuntime": host.cpu_realtime_runtime,
        "cpus": host.cpuset_cpus,
        "mems": host.cpuset_mems,
    }
    if host.nano_cpus:
        values["period"] = CPU_PERIOD_US
        values["quota"] = host.nano_cpus * CPU_PERIOD_US // 1_000_000_000
    return {name: value for name, value in values.items() if value}


def _block_io(host: HostConfig, numbers: Numbers) -> dict[str, object]:
    values: dict[str, object] = {}
    if host.blkio_weight:
        values["weight"] = host.blkio_weight
    if host.blkio_weight_device:
        values["weightDevice"] = [
            {**_device(device.path, numbers), "weight": device.weight}
            for device in host.blkio_weight_device
        ]
    for field, devices in (
        ("throttleReadBpsDevice", host.blkio_device_read_bps),
        ("throttleWriteBpsDevice", host.blkio_device_write_bps),
        ("throttleReadIOPSDevice", host.blkio_device_read_iops),
        ("throttleWriteIOPSDevice", host.blkio_device_write_iops),
    ):
        if devices:
            values[field] = _rates(devices, numbers)
    return values


def _rates(devices: Sequence[ThrottleDevice], numbers: Numbers) -> list[dict[str, int]]:
    return [{**_device(device.path, numbers), "rate": device.rate} for device in devices]


def _device(path: str, numbers: Numbers) -> dict[str, int]:
    major, minor = numbers[path]
    return {"major": major, "minor": minor}


def rlimits(host: HostConfig) -> list[dict[str, object]]:
    """process.rlimits from --ulimit."""
    return [
        {"type": f"RLIMIT_{limit.name.upper()}", "soft": limit.soft, "hard": limit.hard}
        for limit in host.ulimits or []
    ]
