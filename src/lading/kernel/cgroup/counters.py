"""What a group has used, read from v1 or v2 files into one shape.

    {"cpu": {"usage_ns", "user_ns", "system_ns", "percpu_ns": [...], "periods",
             "throttled_periods", "throttled_ns"},
     "memory": {"usage", "limit", "max_usage", "failcnt", "oom_kills", "stats": {...}},
     "pids": {"current", "limit"},
     "blkio": {"io_service_bytes": [[major, minor, "Read", bytes], ...], "io_serviced": [...]}}

A part or a field is missing where its controller or file is. Limits: -1 is unlimited.
"""

from __future__ import annotations

import os

from lading.kernel.cgroup.hierarchy import read_text
from lading.kernel.cgroup.v1 import UNLIMITED

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from typing import Any


def read_v1(directories: dict[str, str]) -> dict[str, Any]:
    """Counters of a group with one directory per controller."""
    counters: dict[str, Any] = {}
    if "cpuacct" in directories:
        counters["cpu"] = _v1_cpu(directories["cpuacct"], directories.get("cpu"))
    if "memory" in directories:
        counters["memory"] = _v1_memory(directories["memory"])
    if "pids" in directories:
        counters["pids"] = _pids(directories["pids"])
    if "blkio" in directories:
        counters["blkio"] = {
            field: _v1_block(f"{directories['blkio']}/blkio.{{}}{field}_recursive")
            for field in ("io_service_bytes", "io_serviced")
        }
    return counters


def read_v2(directory: str) -> dict[str, Any]:
    """Counters of a group in the v2 tree; the parts are those of its controllers."""
    stat = flat(f"{directory}/cpu.stat")
    counters: dict[str, Any] = {
        "cpu": {
            "usage_ns": stat.get("usage_usec", 0) * 1000,
            "user_ns": stat.get("user_usec", 0) * 1000,
            "system_ns": stat.get("system_usec", 0) * 1000,
            "periods": stat.get("nr_periods", 0),
            "throttled_periods": stat.get("nr_throttled", 0),
            "throttled_ns": stat.get("throttled_usec", 0) * 1000,
        }
    }
    if os.path.exists(f"{directory}/memory.current"):
        counters["memory"] = _v2_memory(directory)
    if os.path.exists(f"{directory}/pids.current"):
        counters["pids"] = _pids(directory)
    if os.path.exists(f"{directory}/io.stat"):
        counters["blkio"] = parse_io_stat(read_text(f"{directory}/io.stat"))
    return counters


def flat(path: str) -> dict[str, int]:
    """A file of `name number` lines; empty if it is not there."""
    try:
        lines = read_text(path).splitlines()
    except FileNotFoundError:
        return {}
    return {name: int(value) for name, _, value in (line.partition(" ") for line in lines)}


def number(path: str) -> int | None:
    """A file of one number; -1 for `max`, None if it is not there."""
    try:
        text = read_text(path).strip()
    except FileNotFoundError:
        return None
    return -1 if text == "max" else int(text)


def parse_io_stat(text: str) -> dict[str, list[list[object]]]:
    """`8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`, a line per device."""
    names = {"rbytes": "Read", "wbytes": "Write", "dbytes": "Discard"}
    counts = {"rios": "Read", "wios": "Write", "dios": "Discard"}
    found: dict[str, list[list[object]]] = {"io_service_bytes": [], "io_serviced": []}
    for line in text.splitlines():
        device, *words = line.split()
        major, _, minor = device.partition(":")
        for word in words:
            key, _, value = word.partition("=")
            for field, table in (("io_service_bytes", names), ("io_serviced", counts)):
                if key in table:
                    found[field].append([int(major), int(minor), table[key], int(value)])
    return found


def parse_blkio(text: str) -> list[list[object]]:
    """`8:0 Read 4096` lines; the sum over devices (`Total 4096`) is left out, as in dockerd."""
    found: list[list[object]] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3:
            major, _, minor = words[0].partition(":")
            found.append([int(major), int(minor), words[1], int(words[2])])
    return found


def _present(fields: dict[str, int | None]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _v1_cpu(accounting: str, bandwidth: str | None) -> dict[str, Any]:
    fields = {"usage_ns": number(f"{accounting}/cpuacct.usage")}
    # usage_user and usage_sys count nanoseconds where cpuacct.stat has ticks of 10 ms
    fields["user_ns"] = number(f"{accounting}/cpuacct.usage_user")
    fields["system_ns"] = number(f"{accounting}/cpuacct.usage_sys")
    cpu = _present(fields)
    cpu["percpu_ns"] = [int(n) for n in read_text(f"{accounting}/cpuacct.usage_percpu").split()]
    stat = flat(f"{bandwidth}/cpu.stat") if bandwidth else {}
    cpu["periods"] = stat.get("nr_periods", 0)
    cpu["throttled_periods"] = stat.get("nr_throttled", 0)
    cpu["throttled_ns"] = stat.get("throttled_time", 0)
    return cpu


def _v1_memory(directory: str) -> dict[str, Any]:
    limit = number(f"{directory}/memory.limit_in_bytes")
    memory = _present(
        {
            "usage": number(f"{directory}/memory.usage_in_bytes"),
            "limit": -1 if limit is not None and limit >= UNLIMITED else limit,
            "max_usage": number(f"{directory}/memory.max_usage_in_bytes"),
            "failcnt": number(f"{directory}/memory.failcnt"),
            "oom_kills": oom_kills_v1(directory),
        }
    )
    memory["stats"] = flat(f"{directory}/memory.stat")
    return memory


def oom_kills_v1(directory: str) -> int:
    return flat(f"{directory}/memory.oom_control").get("oom_kill", 0)


def oom_kills_v2(directory: str) -> int:
    return flat(f"{directory}/memory.events").get("oom_kill", 0)


def _v2_memory(directory: str) -> dict[str, Any]:
    memory = _present(
        {
            "usage": number(f"{directory}/memory.current"),
            "limit": number(f"{directory}/memory.max"),
            "max_usage": number(f"{directory}/memory.peak"),
            "oom_kills": oom_kills_v2(directory),
        }
    )
    memory["stats"] = flat(f"{directory}/memory.stat")
    return memory


def _pids(directory: str) -> dict[str, Any]:
    names = {"current": "pids.current", "limit": "pids.max"}
    return _present({name: number(f"{directory}/{file}") for name, file in names.items()})


def _v1_block(template: str) -> list[list[object]]:
    """The scheduler's counters if it has any, else those of the throttling layer, as runc does."""
    for layer in ("bfq.", "", "throttle."):
        try:
            found = parse_blkio(read_text(template.format(layer)))
        except FileNotFoundError:
            continue
        if found:
            return found
    return []
