"""Counters of a group in the v2 tree, in the shape of `counters`."""

from __future__ import annotations

import os

from lading.kernel.cgroup.counters import flat, lines, numbers, pids, rdma

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from typing import Any

HUGE_PAGES = "/sys/kernel/mm/hugepages"
IO_FIELDS = {  # word of io.stat -> list and operation, as v1 calls them
    "rbytes": ("io_service_bytes", "Read"),
    "wbytes": ("io_service_bytes", "Write"),
    "dbytes": ("io_service_bytes", "Discard"),
    "rios": ("io_serviced", "Read"),
    "wios": ("io_serviced", "Write"),
    "dios": ("io_serviced", "Discard"),
}


def read(directory: str) -> dict[str, Any]:
    """The parts are those of the group's controllers; cpu is counted without one."""
    found: dict[str, Any] = {}
    if stat := flat(f"{directory}/cpu.stat"):
        found["cpu"] = _cpu(stat)
    there = " ".join(lines(f"{directory}/cgroup.controllers")).split()
    if "memory" in there:
        found["memory"] = _memory(directory)
    if "pids" in there:
        found["pids"] = pids(directory)
    if "io" in there:
        found["blkio"] = parse_io_stat(lines(f"{directory}/io.stat"))
    if "hugetlb" in there:
        found["hugetlb"] = _hugetlb(directory)
    if "rdma" in there:
        found["rdma"] = rdma(directory)
    if "misc" in there:
        found["misc"] = _misc(directory)
    if pressure := _pressure(directory):
        found["pressure"] = pressure
    return found


def _cpu(stat: dict[str, int]) -> dict[str, Any]:
    return {
        "usage_ns": stat.get("usage_usec", 0) * 1000,
        "user_ns": stat.get("user_usec", 0) * 1000,
        "system_ns": stat.get("system_usec", 0) * 1000,
        "periods": stat.get("nr_periods", 0),
        "throttled_periods": stat.get("nr_throttled", 0),
        "throttled_ns": stat.get("throttled_usec", 0) * 1000,
        "bursts": stat.get("nr_bursts", 0),
        "burst_ns": stat.get("burst_usec", 0) * 1000,
    }


def _memory(directory: str) -> dict[str, Any]:
    memory: dict[str, Any] = _area(directory, "memory")
    events = flat(f"{directory}/memory.events")
    memory["failcnt"] = events.get("oom", 0)  # how often the limit could not be kept
    memory["oom_kills"] = events.get("oom_kill", 0)
    memory["stats"] = flat(f"{directory}/memory.stat")
    memory["cache"] = memory["stats"].get("file", 0)
    memory["is_hierarchical"] = True
    if swap := _area(directory, "memory.swap"):
        memory["swap_only"] = swap
        limits = (swap.get("limit", -1), memory.get("limit", -1))
        memory["swap"] = {  # v1 counts both together
            "usage": swap.get("usage", 0) + memory.get("usage", 0),
            "limit": -1 if -1 in limits else sum(limits),
        }
    return memory


def _area(directory: str, prefix: str) -> dict[str, int]:
    names = {"usage": "current", "limit": "max", "max_usage": "peak"}
    return numbers(directory, {field: f"{prefix}.{file}" for field, file in names.items()})


def parse_io_stat(text: list[str]) -> dict[str, list[list[object]]]:
    """`8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`, a line per device."""
    found: dict[str, list[list[object]]] = {"io_service_bytes": [], "io_serviced": []}
    for line in text:
        device, *words = line.split()
        major, colon, minor = device.partition(":")
        for word in words:
            key, _, value = word.partition("=")
            if colon and key in IO_FIELDS:
                field, operation = IO_FIELDS[key]
                found[field].append([int(major), int(minor), operation, int(value)])
    return found


def page_sizes() -> list[str]:
    """The huge pages of this machine as cgroup files spell them: `2MB`, `1GB`. Linux: mem_fmt."""
    try:
        names = os.listdir(HUGE_PAGES)
    except FileNotFoundError:
        return []
    sizes = sorted(int(name.removeprefix("hugepages-").removesuffix("kB")) for name in names)
    return [_size(kilobytes) for kilobytes in sizes]


def _size(kilobytes: int) -> str:
    for unit in ("KB", "MB"):
        if kilobytes < 1024:
            return f"{kilobytes}{unit}"
        kilobytes //= 1024
    return f"{kilobytes}GB"


def _hugetlb(directory: str) -> dict[str, Any]:
    found = {}
    for size in page_sizes():
        pages = numbers(directory, {"usage": f"hugetlb.{size}.rsvd.current"})
        pages = pages or numbers(directory, {"usage": f"hugetlb.{size}.current"})
        if pages:
            pages["failcnt"] = flat(f"{directory}/hugetlb.{size}.events").get("max", 0)
            found[size] = pages
    return found


def _misc(directory: str) -> dict[str, Any]:
    """Scalar resources such as encrypted virtual machines, those that this host has."""
    usage = flat(f"{directory}/misc.current")
    events = flat(f"{directory}/misc.events")
    return {
        name: {"usage": value, "events": events.get(f"{name}.max", 0)}
        for name, value in usage.items()
    }


def _pressure(directory: str) -> dict[str, Any]:
    """How long somebody waited: Documentation/accounting/psi.rst. Percent, and microseconds."""
    found = {}
    for name in ("cpu", "memory", "io"):
        if text := lines(f"{directory}/{name}.pressure"):
            found[name] = parse_pressure(text)
    return found


def parse_pressure(text: list[str]) -> dict[str, dict[str, float]]:
    """`some avg10=0.12 avg60=0.00 avg300=0.00 total=1234` lines."""
    found = {}
    for line in text:
        kind, *words = line.split()
        pairs = (word.partition("=") for word in words)
        found[kind] = {name: float(v) if "." in v else int(v) for name, _, v in pairs}
    return found
