"""What a group has used, read from v1 or v2 files into one shape.

    {"cpu": {"usage_ns", "user_ns", "system_ns", "percpu_ns": [...], "periods",
             "throttled_periods", "throttled_ns", "bursts", "burst_ns"},
     "memory": {"usage", "limit", "max_usage", "failcnt", "oom_kills", "cache",
                "stats": {name: number}, "is_hierarchical",
                "swap": {"usage", "limit", "max_usage", "failcnt"},   memory and swap together
                "swap_only": {...}, "kernel": {...}, "kernel_tcp": {...},
                "numa": {"total" | "file" | "anon" | "unevictable" | "hierarchical_...":
                         {"total": pages, "nodes": {node: pages}}}},
     "pids": {"current", "limit"},
     "blkio": {list: [[major, minor, "Read", number], ...]},          lists: see BLKIO_LISTS
     "hugetlb": {"2MB": {"usage", "max_usage", "failcnt"}},
     "rdma": {"current" | "limit": {device: {"hca_handle", "hca_object"}}},
     "misc": {resource: {"usage", "events"}},
     "pressure": {"cpu" | "memory" | "io":
                  {"some" | "full": {"avg10", "avg60", "avg300", "total"}}}}

A part or a field is missing where its controller or file is. Limits: -1 is unlimited.
"""

from __future__ import annotations

import errno

from lading.kernel.cgroup.hierarchy import read_text

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from lading.kernel.cgroup.hierarchy import Hierarchies

# no such file; the group is being removed; a file that this kernel was told to do without
ABSENT = (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP)
BLKIO_LISTS = (
    "io_service_bytes",
    "io_serviced",
    "io_queued",
    "io_service_time",
    "io_wait_time",
    "io_merged",
    "io_time",
    "sectors",
)


def read(trees: Hierarchies, path: str) -> dict[str, Any]:
    """The counters of the group at `path`: those of v1, and of v2 what v1 does not have."""
    # for the few who ask for counters; monitors do without what these need
    from lading.kernel.cgroup import counters_v1, counters_v2

    found: dict[str, Any] = {}
    if trees.v2 is not None:
        found = counters_v2.read(trees.v2 + path)
    if not trees.is_unified():
        found.update(counters_v1.read({name: at + path for name, at in trees.v1.items()}))
    return found


def flat(path: str) -> dict[str, int]:
    """A file of `name number` lines; empty if it is not there."""
    return {name: int(value) for name, _, value in (ln.partition(" ") for ln in lines(path))}


def lines(path: str) -> list[str]:
    """A file's lines; none if it, or the group, is not there."""
    try:
        return read_text(path).splitlines()
    except OSError as error:
        if error.errno in ABSENT:
            return []
        raise


def number(path: str) -> int | None:
    """A file of one number; -1 for `max`, None if it is not there."""
    found = lines(path)
    if not found:
        return None
    return -1 if found[0] == "max" else int(found[0])


def numbers(directory: str, names: dict[str, str]) -> dict[str, int]:
    """Files of one number each, by field; those that are not there are left out."""
    found = {field: number(f"{directory}/{file}") for field, file in names.items()}
    return {field: value for field, value in found.items() if value is not None}


def oom_kills_v1(directory: str) -> int:
    return flat(f"{directory}/memory.oom_control").get("oom_kill", 0)


def oom_kills_v2(directory: str) -> int:
    return flat(f"{directory}/memory.events").get("oom_kill", 0)


def pids(directory: str) -> dict[str, int]:
    """Both versions have the same files."""
    return numbers(directory, {"current": "pids.current", "limit": "pids.max"})


def rdma(directory: str) -> dict[str, Any]:
    """`mlx5_0 hca_handle=2 hca_object=max` lines, both versions."""
    found: dict[str, Any] = {}
    for field, file in (("current", "rdma.current"), ("limit", "rdma.max")):
        devices = {}
        for line in lines(f"{directory}/{file}"):
            device, *words = line.split()
            devices[device] = _pairs(words)
        if devices:
            found[field] = devices
    return found


def _pairs(words: Iterable[str]) -> dict[str, int]:
    pairs = (word.partition("=") for word in words)
    return {name: -1 if value == "max" else int(value) for name, _, value in pairs}
