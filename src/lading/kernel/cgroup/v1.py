"""Cgroup v1: the OCI resources as (file, value).

The word before the first dot of a file is its controller. Order matters and is kept by the list:
the period before the quota, the memory limit before the limit of memory and swap together.
Spec: OCI runtime-spec, config-linux.md#control-groups; Documentation/admin-guide/cgroup-v1/.
"""

from __future__ import annotations

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

Setting = tuple[str, str]  # file, value

UNLIMITED = 0x7FFFFFFFFFFFF000  # what memory.limit_in_bytes shows without a limit: LONG_MAX pages

# Devices each container may use whatever else it is denied, after the rules of the spec: making any
# node, then null, zero, full, random, urandom, tty, console, ptmx and the ptys. Docker and runc.
DEFAULT_DEVICES: tuple[dict[str, object], ...] = (
    {"allow": True, "type": "c", "access": "m"},
    {"allow": True, "type": "b", "access": "m"},
    {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "minor": 7, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "minor": 8, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "minor": 9, "access": "rwm"},
    {"allow": True, "type": "c", "major": 5, "minor": 0, "access": "rwm"},
    {"allow": True, "type": "c", "major": 5, "minor": 1, "access": "rwm"},
    {"allow": True, "type": "c", "major": 5, "minor": 2, "access": "rwm"},
    {"allow": True, "type": "c", "major": 136, "access": "rwm"},
)


def settings(resources: Mapping[str, Any]) -> list[Setting]:
    """What to write for these resources, in order; without the device rules."""
    return [
        *_memory(resources.get("memory") or {}),
        *_cpu(resources.get("cpu") or {}),
        *_pids(resources.get("pids") or {}),
        *_block_io(resources.get("blockIO") or {}),
        *_others(resources),
    ]


def alternative(file: str, value: str) -> Setting | None:
    """What to write where a kernel lacks the file: BFQ has taken over from CFQ (Linux 5.0)."""
    if file.startswith("blkio.weight"):
        return file.replace("blkio.", "blkio.bfq."), value
    return None


def device_settings(rules: list[Mapping[str, Any]]) -> list[Setting]:
    """Deny all, then the rules in order, then what every container may use."""
    written: list[Setting] = [("devices.deny", "a")]
    for rule in (*rules, *DEFAULT_DEVICES):
        name = "devices.allow" if rule["allow"] else "devices.deny"
        written.append((name, device_line(rule)))
    return written


def device_line(rule: Mapping[str, Any]) -> str:
    """One rule as devices.allow takes it: `c 1:3 rwm`; `a` for all devices."""
    kind = rule.get("type") or "a"
    if kind == "a":
        return "a"
    numbers = [rule.get("major"), rule.get("minor")]
    major, minor = ("*" if n is None or n < 0 else str(n) for n in numbers)
    return f"{kind} {major}:{minor} {rule.get('access') or 'rwm'}"


def unsettable(resources: Mapping[str, Any]) -> list[str]:
    """What was asked and is ignored by design, as sentences for the user."""
    ignored = []
    for field in ("kernel", "kernelTCP"):
        if (resources.get("memory") or {}).get(field):
            ignored.append(f"memory.{field} is ignored: kernels no longer have a limit of its own")
    return ignored


def _memory(memory: Mapping[str, Any]) -> list[Setting]:
    listed: list[Setting] = []
    for field, name in (
        ("limit", "memory.limit_in_bytes"),
        ("swap", "memory.memsw.limit_in_bytes"),
        ("reservation", "memory.soft_limit_in_bytes"),
    ):
        if memory.get(field):  # 0 is `not asked` here, as in Docker's API
            listed.append((name, str(memory[field])))
    if memory.get("disableOOMKiller"):
        listed.append(("memory.oom_control", "1"))
    if memory.get("swappiness") is not None:
        listed.append(("memory.swappiness", str(memory["swappiness"])))
    return listed


def _cpu(cpu: Mapping[str, Any]) -> list[Setting]:
    listed: list[Setting] = []
    for field, name in (
        ("shares", "cpu.shares"),
        ("realtimePeriod", "cpu.rt_period_us"),
        ("realtimeRuntime", "cpu.rt_runtime_us"),
        ("period", "cpu.cfs_period_us"),
        ("quota", "cpu.cfs_quota_us"),
        ("burst", "cpu.cfs_burst_us"),
        ("idle", "cpu.idle"),
        ("cpus", "cpuset.cpus"),
        ("mems", "cpuset.mems"),
    ):
        if cpu.get(field):
            listed.append((name, str(cpu[field])))
    return listed


def _pids(pids: Mapping[str, Any]) -> list[Setting]:
    limit = pids.get("limit")
    if not limit:
        return []
    return [("pids.max", str(limit) if limit > 0 else "max")]


def _block_io(block: Mapping[str, Any]) -> list[Setting]:
    listed: list[Setting] = []
    if block.get("weight"):
        listed.append(("blkio.weight", str(block["weight"])))
    if block.get("leafWeight"):
        listed.append(("blkio.leaf_weight", str(block["leafWeight"])))
    for device in block.get("weightDevice") or ():
        if device.get("weight"):
            line = f"{device['major']}:{device['minor']} {device['weight']}"
            listed.append(("blkio.weight_device", line))
    for field, name in (
        ("throttleReadBpsDevice", "read_bps"),
        ("throttleWriteBpsDevice", "write_bps"),
        ("throttleReadIOPSDevice", "read_iops"),
        ("throttleWriteIOPSDevice", "write_iops"),
    ):
        for device in block.get(field) or ():
            line = f"{device['major']}:{device['minor']} {device['rate']}"
            listed.append((f"blkio.throttle.{name}_device", line))
    return listed


def _others(resources: Mapping[str, Any]) -> list[Setting]:
    listed: list[Setting] = []
    for page in resources.get("hugepageLimits") or ():
        name = f"hugetlb.{page['pageSize']}.limit_in_bytes"
        listed.append((name, str(page["limit"])))
    network = resources.get("network") or {}
    if network.get("classID"):
        listed.append(("net_cls.classid", str(network["classID"])))
    for priority in network.get("priorities") or ():
        line = f"{priority['name']} {priority['priority']}"
        listed.append(("net_prio.ifpriomap", line))
    for device, limits in (resources.get("rdma") or {}).items():
        listed.append(("rdma.max", rdma_line(device, limits)))
    return listed


def rdma_line(device: str, limits: Mapping[str, Any]) -> str:
    """`mlx5_0 hca_handle=2 hca_object=2000`; both versions write the same."""
    words = [device]
    if limits.get("hcaHandles") is not None:
        words.append(f"hca_handle={limits['hcaHandles']}")
    if limits.get("hcaObjects") is not None:
        words.append(f"hca_object={limits['hcaObjects']}")
    return " ".join(words)
