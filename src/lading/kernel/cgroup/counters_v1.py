"""Counters of a group in the v1 trees, in the shape of `counters`."""

from __future__ import annotations

from lading.kernel.cgroup.counters import (
    BLKIO_LISTS,
    flat,
    lines,
    number,
    numbers,
    oom_kills_v1,
    pids,
    rdma,
)
from lading.kernel.cgroup.v1 import UNLIMITED

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from typing import Any

MEMORY_FILES = {
    "usage": "usage_in_bytes",
    "limit": "limit_in_bytes",
    "max_usage": "max_usage_in_bytes",
    "failcnt": "failcnt",
}
BLKIO_FILES = {**{field: field for field in BLKIO_LISTS}, "io_time": "time"}


def read(directories: dict[str, str]) -> dict[str, Any]:
    """Counters of a group with one directory per controller."""
    found: dict[str, Any] = {}
    if "cpuacct" in directories:
        found["cpu"] = _cpu(directories["cpuacct"], directories.get("cpu"))
    if "memory" in directories:
        found["memory"] = _memory(directories["memory"])
    if "pids" in directories:
        found["pids"] = pids(directories["pids"])
    if "blkio" in directories:
        found["blkio"] = _blkio(directories["blkio"])
    if "hugetlb" in directories:
        found["hugetlb"] = _hugetlb(directories["hugetlb"])
    if "rdma" in directories:
        found["rdma"] = rdma(directories["rdma"])
    return found


def _cpu(accounting: str, bandwidth: str | None) -> dict[str, Any]:
    # usage_user and usage_sys count nanoseconds where cpuacct.stat has ticks of 10 ms
    cpu: dict[str, Any] = numbers(
        accounting,
        {
            "usage_ns": "cpuacct.usage",
            "user_ns": "cpuacct.usage_user",
            "system_ns": "cpuacct.usage_sys",
        },
    )
    text = " ".join(lines(f"{accounting}/cpuacct.usage_percpu"))
    cpu["percpu_ns"] = [int(n) for n in text.split()]
    stat = flat(f"{bandwidth}/cpu.stat") if bandwidth else {}
    cpu["periods"] = stat.get("nr_periods", 0)
    cpu["throttled_periods"] = stat.get("nr_throttled", 0)
    cpu["throttled_ns"] = stat.get("throttled_time", 0)
    cpu["bursts"] = stat.get("nr_bursts", 0)
    cpu["burst_ns"] = stat.get("burst_time", 0)
    return cpu


def _memory(directory: str) -> dict[str, Any]:
    memory: dict[str, Any] = _area(directory, "")
    memory["oom_kills"] = oom_kills_v1(directory)
    memory["stats"] = flat(f"{directory}/memory.stat")
    memory["cache"] = memory["stats"].get("cache", 0)
    memory["is_hierarchical"] = number(f"{directory}/memory.use_hierarchy") == 1
    areas = {"swap": "memsw.", "kernel": "kmem.", "kernel_tcp": "kmem.tcp."}
    for part, prefix in areas.items():
        if area := _area(directory, prefix):
            memory[part] = area
    if swap := memory.get("swap"):
        memory["swap_only"] = {
            field: max(0, swap[field] - memory[field])
            for field in ("usage", "failcnt")
            if field in swap and field in memory
        }
    if numa := parse_numa(lines(f"{directory}/memory.numa_stat")):
        memory["numa"] = numa
    return memory


def _area(directory: str, prefix: str) -> dict[str, int]:
    names = {field: f"memory.{prefix}{file}" for field, file in MEMORY_FILES.items()}
    found = numbers(directory, names)
    if found.get("limit", 0) >= UNLIMITED:
        found["limit"] = -1
    return found


def parse_numa(text: list[str]) -> dict[str, Any]:
    """`file=12 N0=10 N1=2` lines, in pages; lines of other shapes are left out."""
    found: dict[str, Any] = {}
    for line in text:
        pairs = [word.partition("=") for word in line.split()]
        if not pairs or any(not equals for _, equals, _ in pairs):
            continue
        (name, _, total), *nodes = pairs
        found[name] = {
            "total": int(total),
            "nodes": {int(node.removeprefix("N")): int(value) for node, _, value in nodes},
        }
    return found


def _blkio(directory: str) -> dict[str, Any]:
    """The scheduler's counters if it has any, else those of the throttling layer, as runc does."""
    found: dict[str, Any] = {}
    for field, file in BLKIO_FILES.items():
        layers = [f"blkio.{layer}{file}_recursive" for layer in ("bfq.", "")]
        if field in ("io_service_bytes", "io_serviced"):
            layers += [f"blkio.throttle.{file}_recursive", f"blkio.throttle.{file}"]
        for name in layers:
            if entries := parse_blkio(lines(f"{directory}/{name}")):
                found[field] = entries
                break
    for field in ("io_service_bytes", "io_serviced"):
        found.setdefault(field, [])
    return found


def parse_blkio(text: list[str]) -> list[list[object]]:
    """`8:0 Read 4096` or `8:0 4096` lines; the sum over devices (`Total 4096`) is left out."""
    found: list[list[object]] = []
    for line in text:
        device, *words = line.split()
        major, colon, minor = device.partition(":")
        if colon and words:
            operation = words[0] if len(words) > 1 else ""
            found.append([int(major), int(minor), operation, int(words[-1])])
    return found


def _hugetlb(directory: str) -> dict[str, Any]:
    from lading.kernel.cgroup.counters_v2 import page_sizes

    found = {}
    for size in page_sizes():
        names = {
            "usage": f"hugetlb.{size}.usage_in_bytes",
            "max_usage": f"hugetlb.{size}.max_usage_in_bytes",
            "failcnt": f"hugetlb.{size}.failcnt",
        }
        reserved = {
            field: name.replace(f"{size}.", f"{size}.rsvd.") for field, name in names.items()
        }
        if pages := numbers(directory, reserved) or numbers(directory, names):
            found[size] = pages
    return found
