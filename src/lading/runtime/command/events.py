"""events: what a container uses, and when the kernel kills for want of memory; one JSON a line.

The documents are those of runc, which is what callers decode.
"""

from __future__ import annotations

import json
import os
import time

from lading.runtime.command import store
from lading.runtime.command.flags import BadUsage
from lading.runtime.command.store import NotRunning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.kernel.cgroup import Cgroup
    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DEFAULT_INTERVAL = "5s"
LOOK_S = 0.1  # how often a container's end and its OOM counter are looked for


def events(invocation: Invocation, options: Options) -> int:
    """Print usage once (--stats), or until the container ends, with its OOM events."""
    entry = invocation.entry(options)
    state = entry.read()
    interval_s = seconds(options.text("interval", DEFAULT_INTERVAL))
    if store.status(entry, state) == "stopped":
        raise NotRunning()
    group = store.cgroup(state)
    if group is None:
        return 0
    if options.switch("stats"):
        _print("stats", entry.id, stats(group.stats()))
        return 0
    process = store.open_init(state)
    _follow(entry.id, group, process, interval_s)
    return 0


def _follow(name: str, group: Cgroup, process: int, interval_s: float) -> None:
    from lading.kernel import pidfd

    kills = _oom_kills(group)
    due = time.monotonic() + interval_s
    while not pidfd.wait_dead(process, LOOK_S):
        now = _oom_kills(group)
        if now > kills:
            kills = now
            _print("oom", name, None)
        if time.monotonic() >= due:
            due += interval_s
            _print("stats", name, stats(group.stats()))
    if _oom_kills(group) > kills:
        _print("oom", name, None)
    os.close(process)


def _oom_kills(group: Cgroup) -> int:
    try:
        return int((group.stats().get("memory") or {}).get("oom_kills") or 0)
    except FileNotFoundError:
        return 0


def _print(kind: str, name: str, data: dict[str, Any] | None) -> None:
    event: dict[str, Any] = {"type": kind, "id": name}
    if data is not None:
        event["data"] = data
    print(json.dumps(event, separators=(",", ":")), flush=True)


def seconds(text: str) -> float:
    """`500ms`, `5s`, `1m`: what Go calls a duration. Raises BadUsage."""
    number = text.rstrip("hms")
    try:
        value = float(number) * UNITS[text[len(number) :]]
    except (ValueError, KeyError):
        raise BadUsage(f'invalid value "{text}" for flag -interval') from None
    if value <= 0:
        raise BadUsage("duration interval must be greater than 0")
    return value


def stats(counters: dict[str, Any]) -> dict[str, Any]:
    """runc's document (types/events.go) from our counters."""
    return {
        "cpu": _cpu(counters.get("cpu") or {}),
        "cpuset": {},
        "memory": _memory(counters.get("memory") or {}),
        "pids": {
            name: value
            for name, value in (counters.get("pids") or {}).items()
            if name == "current" or (name == "limit" and value >= 0)
        },
        "blkio": {
            f"{name}Recursive": [
                {"major": major, "minor": minor, "op": operation, "value": value}
                for major, minor, operation, value in rows
            ]
            for name, rows in (
                ("ioServiceBytes", (counters.get("blkio") or {}).get("io_service_bytes") or []),
                ("ioServiced", (counters.get("blkio") or {}).get("io_serviced") or []),
            )
        },
        "hugetlb": {},
        "intel_rdt": {},
        "network_interfaces": None,
    }


def _cpu(cpu: dict[str, Any]) -> dict[str, Any]:
    return {
        "usage": {
            "total": cpu.get("usage_ns", 0),
            "percpu": cpu.get("percpu_ns") or [],
            "kernel": cpu.get("system_ns", 0),
            "user": cpu.get("user_ns", 0),
        },
        "throttling": {
            "periods": cpu.get("periods", 0),
            "throttledPeriods": cpu.get("throttled_periods", 0),
            "throttledTime": cpu.get("throttled_ns", 0),
        },
    }


def _memory(memory: dict[str, Any]) -> dict[str, Any]:
    limit = memory.get("limit", -1)
    raw = memory.get("stats") or {}
    usage = {
        "limit": limit if limit >= 0 else (1 << 64) - 1,
        "usage": memory.get("usage", 0),
        "max": memory.get("max_usage", 0),
        "failcnt": memory.get("failcnt", 0),
    }
    return {
        "cache": raw.get("cache", raw.get("file", 0)),
        "usage": usage,
        "swap": {"limit": 0, "failcnt": 0},
        "kernel": {"limit": 0, "failcnt": 0},
        "kernelTCP": {"limit": 0, "failcnt": 0},
        "raw": raw,
    }
