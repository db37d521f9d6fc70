"""Cgroup v1: the OCI resources as settings, controller by controller.

Order matters and is kept by the lists: the memory limit before that of memory and swap together
(a group that exists may need it the other way round: see `limits`).
Spec: OCI runtime-spec, config-linux.md#control-groups; Documentation/admin-guide/cgroup-v1/.
"""

from __future__ import annotations

from lading.errors import InvalidArgument
from lading.kernel.cgroup.setting import Setting

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

UNLIMITED = 0x7FFFFFFFFFFFF000  # what memory.limit_in_bytes shows without a limit: LONG_MAX pages
MEMORY, MEMORY_AND_SWAP = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
MIN_SHARES, MAX_SHARES = 2, 262144  # kernel/sched/sched.h: what lies outside is silently cut off
THROTTLES = {  # field of the spec -> (word of v1, word of v2)
    "throttleReadBpsDevice": ("read_bps", "rbps"),
    "throttleWriteBpsDevice": ("write_bps", "wbps"),
    "throttleReadIOPSDevice": ("read_iops", "riops"),
    "throttleWriteIOPSDevice": ("write_iops", "wiops"),
}


class TooFewShares(InvalidArgument):
    """the minimum allowed cpu-shares is {0}"""


class TooManyShares(InvalidArgument):
    """the maximum allowed cpu-shares is {0}"""


class BadSwappiness(InvalidArgument):
    """invalid memory swappiness value: {0} (valid range is 0-100)"""


def memory(resources: Mapping[str, Any]) -> list[Setting]:
    asked = resources.get("memory") or {}
    limit, swap = asked.get("limit") or 0, asked.get("swap") or 0  # 0 is `not asked`
    listed: list[Setting] = []
    if limit:
        listed.append(Setting(MEMORY, limit))
    if swap:
        listed.append(Setting(MEMORY_AND_SWAP, swap))
    elif limit == -1:  # no limit on memory is none on memory and swap, if swap is counted at all
        listed.append(Setting(MEMORY_AND_SWAP, -1, is_optional=True))
    if asked.get("reservation"):
        listed.append(Setting("memory.soft_limit_in_bytes", asked["reservation"]))
    if asked.get("kernelTCP"):
        gone = "memory.kernelTCP is ignored: this kernel has no limit of its own for it"
        listed.append(Setting("memory.kmem.tcp.limit_in_bytes", asked["kernelTCP"], ignored=gone))
    if asked.get("disableOOMKiller"):
        listed.append(Setting("memory.oom_control", 1))
    swappiness = asked.get("swappiness")
    if swappiness is not None and swappiness != -1:  # -1 is the host's
        if not 0 <= swappiness <= 100:
            raise BadSwappiness(swappiness)
        listed.append(Setting("memory.swappiness", swappiness))
    return listed


def cpu(resources: Mapping[str, Any]) -> list[Setting]:
    """All `depend`: the kernel checks periods, quotas and bursts against each other."""
    asked = resources.get("cpu") or {}
    listed: list[Setting] = []
    shares = asked.get("shares") or 0
    if shares:
        if shares < MIN_SHARES:
            raise TooFewShares(MIN_SHARES)
        if shares > MAX_SHARES:
            raise TooManyShares(MAX_SHARES)
        listed.append(Setting("cpu.shares", shares, depends=True))
    for field, file in (
        ("realtimePeriod", "cpu.rt_period_us"),
        ("realtimeRuntime", "cpu.rt_runtime_us"),
        ("period", "cpu.cfs_period_us"),
        ("quota", "cpu.cfs_quota_us"),
    ):
        if asked.get(field):
            listed.append(Setting(file, asked[field], depends=True))
    if asked.get("burst") is not None:
        burst = Setting("cpu.cfs_burst_us", asked["burst"], depends=True, is_optional=True)
        listed.append(burst)  # since Linux 5.14
    if asked.get("idle") is not None:
        listed.append(Setting("cpu.idle", asked["idle"]))
    return listed


def cpuset(resources: Mapping[str, Any]) -> list[Setting]:
    """Both versions have the same files."""
    asked = resources.get("cpu") or {}
    return [Setting(f"cpuset.{name}", asked[name]) for name in ("cpus", "mems") if asked.get(name)]


def pids(resources: Mapping[str, Any]) -> list[Setting]:
    """Both versions have the same file."""
    limit = (resources.get("pids") or {}).get("limit")
    return [Setting("pids.max", limit if limit > 0 else "max")] if limit else []


def blkio(resources: Mapping[str, Any]) -> list[Setting]:
    """The weights' files are CFQ's; from Linux 5.0 on BFQ has its own."""
    asked = resources.get("blockIO") or {}
    listed: list[Setting] = []
    if asked.get("weight"):
        listed.append(_weight("blkio.weight", "blkio.bfq.weight", asked["weight"]))
    if asked.get("leafWeight"):
        listed.append(Setting("blkio.leaf_weight", asked["leafWeight"]))
    for device in asked.get("weightDevice") or ():
        if device.get("weight"):
            line = device_value(device, device["weight"])
            listed.append(_weight("blkio.weight_device", "blkio.bfq.weight_device", line))
        if device.get("leafWeight"):
            line = device_value(device, device["leafWeight"])
            listed.append(Setting("blkio.leaf_weight_device", line))
    for field, (word, _) in THROTTLES.items():
        for device in asked.get(field) or ():
            line = device_value(device, device["rate"])
            listed.append(Setting(f"blkio.throttle.{word}_device", line))
    return listed


def hugetlb(resources: Mapping[str, Any], suffix: str = "limit_in_bytes") -> list[Setting]:
    """Both versions; reserved pages are counted since Linux 5.7."""
    listed: list[Setting] = []
    for page in resources.get("hugepageLimits") or ():
        name = f"hugetlb.{page['pageSize']}"
        listed.append(Setting(f"{name}.{suffix}", page["limit"]))
        listed.append(Setting(f"{name}.rsvd.{suffix}", page["limit"], is_optional=True))
    return listed


def net_cls(resources: Mapping[str, Any]) -> list[Setting]:
    class_id = (resources.get("network") or {}).get("classID")
    return [Setting("net_cls.classid", class_id)] if class_id else []


def net_prio(resources: Mapping[str, Any]) -> list[Setting]:
    priorities = (resources.get("network") or {}).get("priorities") or ()
    return [Setting("net_prio.ifpriomap", f"{p['name']} {p['priority']}") for p in priorities]


def rdma(resources: Mapping[str, Any]) -> list[Setting]:
    """`mlx5_0 hca_handle=2 hca_object=2000`; both versions write the same."""
    listed: list[Setting] = []
    for device, limits in (resources.get("rdma") or {}).items():
        words = [device]
        for field, word in (("hcaHandles", "hca_handle"), ("hcaObjects", "hca_object")):
            if limits.get(field) is not None:
                words.append(f"{word}={limits[field]}")
        listed.append(Setting("rdma.max", " ".join(words)))
    return listed


def device_value(device: Mapping[str, Any], value: object) -> str:
    """`8:0 1048576`"""
    return f"{device['major']}:{device['minor']} {value}"


def unsettable(resources: Mapping[str, Any]) -> list[str]:
    """What was asked and is ignored by design, as sentences for the user."""
    if (resources.get("memory") or {}).get("kernel"):
        return ["memory.kernel is ignored: kernels no longer have a limit of its own for it"]
    return []


def _weight(file: str, of_bfq: str, value: object) -> Setting:
    return Setting(file, value, otherwise=Setting(of_bfq, value))


CONTROLLERS = {
    "memory": memory,
    "cpu": cpu,
    "cpuset": cpuset,
    "pids": pids,
    "blkio": blkio,
    "hugetlb": hugetlb,
    "net_cls": net_cls,
    "net_prio": net_prio,
    "rdma": rdma,
}
