"""events: what a container uses, and when the kernel kills for want of memory; one JSON a line.

The documents are those of runc, which is what callers decode.
"""

from __future__ import annotations

import json
import os
import select
import time

from lading.errors import LadingError
from lading.runtime.command import store
from lading.runtime.command.flags import BadUsage
from lading.runtime.command.store import NotRunning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.kernel.cgroup import Cgroup
    from lading.kernel.cgroup.oom import OomEvents
    from lading.runtime.command.flags import Options
    from lading.runtime.command.main import Invocation

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DEFAULT_INTERVAL = "5s"
UNLIMITED = (1 << 64) - 1


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
    watched = select.poll()
    watched.register(process, select.POLLIN)
    kills = _watch_kills(group)
    if kills is not None:
        watched.register(kills.fileno(), select.POLLIN)
    due = time.monotonic() + interval_s
    ended = False
    while not ended:
        ready = dict(watched.poll(max(0.0, due - time.monotonic()) * 1000))
        ended = process in ready
        if kills is not None and kills.read():
            _print("oom", name, None)
        if not ended and time.monotonic() >= due:
            due += interval_s
            _print("stats", name, stats(group.stats()))
    if kills is not None:
        kills.close()
    os.close(process)


def _watch_kills(group: Cgroup) -> OomEvents | None:
    try:
        return group.oom_events()
    except (OSError, LadingError):  # this host does not count memory
        return None


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
    pressure = counters.get("pressure") or {}
    found = {
        "cpu": _cpu(counters.get("cpu") or {}),
        "cpuset": {},
        "memory": _memory(counters.get("memory") or {}),
        "pids": {
            name: value
            for name, value in (counters.get("pids") or {}).items()
            if name == "current" or (name == "limit" and value >= 0)
        },
        "blkio": _blkio(counters.get("blkio") or {}),
        "hugetlb": {
            size: {
                "usage": huge.get("usage", 0),
                "max": huge.get("max_usage", 0),
                "failcnt": huge.get("failcnt", 0),
            }
            for size, huge in (counters.get("hugetlb") or {}).items()
        },
        "intel_rdt": {},
        "network_interfaces": None,
    }
    for controller, part in (("cpu", "cpu"), ("memory", "memory"), ("io", "blkio")):
        if pressure.get(controller):
            found[part]["psi"] = pressure[controller]  # type: ignore[index]  # one of the dicts
    return found


def _blkio(blkio: dict[str, Any]) -> dict[str, Any]:
    """`io_service_bytes` is ioServiceBytesRecursive there."""
    found: dict[str, Any] = {}
    for name, rows in blkio.items():
        first, *more = name.split("_")
        key = first + "".join(word.capitalize() for word in more) + "Recursive"
        found[key] = [
            {"major": major, "minor": minor, "op": operation, "value": value}
            for major, minor, operation, value in rows
        ]
    return found


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
    raw = memory.get("stats") or {}
    return {
        "cache": memory.get("cache", raw.get("cache", raw.get("file", 0))),
        "usage": _entry(memory),
        "swap": _entry(memory.get("swap") or {}),
        "kernel": _entry(memory.get("kernel") or {}),
        "kernelTCP": _entry(memory.get("kernel_tcp") or {}),
        "raw": raw,
    }


def _entry(memory: dict[str, Any]) -> dict[str, int]:
    limit = memory.get("limit", 0)
    return {
        "limit": limit if limit >= 0 else UNLIMITED,
        "usage": memory.get("usage") or 0,
        "max": memory.get("max_usage") or 0,
        "failcnt": memory.get("failcnt") or 0,
    }
