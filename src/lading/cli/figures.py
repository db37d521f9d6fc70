"""What `stats` shows of a container: figures from one sample of the API.

Source: Docker Engine API, ContainerStats; the formulas are those in its documentation.
"""

from __future__ import annotations

from lading import quantities
from lading.cli.format import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.sdk.request import Document

COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")


def cpu_percent(sample: Document) -> float:
    """Of one CPU: two busy ones are 200."""
    now, before = sample.get("cpu_stats") or {}, sample.get("precpu_stats") or {}
    used = _cpu_total(now) - _cpu_total(before)
    passed = (now.get("system_cpu_usage") or 0) - (before.get("system_cpu_usage") or 0)
    if passed <= 0 or used <= 0:
        return 0.0
    per_cpu = (now.get("cpu_usage") or {}).get("percpu_usage") or []
    return float(used / passed * (now.get("online_cpus") or len(per_cpu)) * 100)


def _cpu_total(part: Document) -> int:
    return (part.get("cpu_usage") or {}).get("total_usage") or 0


def memory_used(sample: Document) -> int:
    """Without pages that the kernel may drop at once: inactive file cache, by cgroup version."""
    memory = sample.get("memory_stats") or {}
    usage: int = memory.get("usage") or 0
    details = memory.get("stats") or {}
    for key in ("total_inactive_file", "inactive_file"):
        inactive = details.get(key)
        if inactive is not None:
            return usage - inactive if inactive < usage else usage
    return usage


def memory_limit(sample: Document) -> int:
    limit: int = (sample.get("memory_stats") or {}).get("limit") or 0
    return limit


def network(sample: Document) -> tuple[int, int]:
    """Bytes received and sent by all interfaces."""
    interfaces = (sample.get("networks") or {}).values()
    return sum(i["rx_bytes"] for i in interfaces), sum(i["tx_bytes"] for i in interfaces)


def block(sample: Document) -> tuple[int, int]:
    """Bytes read and written on block devices."""
    entries = (sample.get("blkio_stats") or {}).get("io_service_bytes_recursive") or []
    counts = {"r": 0, "w": 0}
    for entry in entries:
        kind = (entry.get("op") or "")[:1].lower()
        if kind in counts:
            counts[kind] += entry["value"]
    return counts["r"], counts["w"]


def fields(*, truncated: bool) -> dict[str, Field]:
    """Columns of a row: `{"asked", "id", "name", "sample"}`; without a sample, dashes."""
    return {
        "BlockIO": Field("BLOCK I/O", lambda row: _pair(row, block)),
        "CPUPerc": Field("CPU %", lambda row: _percent(row, cpu_percent)),
        "Container": Field("CONTAINER", lambda row: str(row["asked"])),
        "ID": Field("CONTAINER ID", lambda row: row["id"][:12] if truncated else row["id"]),
        "MemPerc": Field("MEM %", lambda row: _percent(row, _memory_percent)),
        "MemUsage": Field("MEM USAGE / LIMIT", _memory),
        "Name": Field("NAME", lambda row: row["name"] or "--"),
        "NetIO": Field("NET I/O", lambda row: _pair(row, network)),
        "PIDs": Field("PIDS", _pids),
    }


def _percent(row: Document, figure: object) -> str:
    assert callable(figure)
    return f"{figure(row['sample']):.2f}%" if row["sample"] else "--"


def _memory_percent(sample: Document) -> float:
    limit = memory_limit(sample)
    return memory_used(sample) / limit * 100 if limit else 0.0


def _memory(row: Document) -> str:
    if not row["sample"]:
        return "-- / --"
    used, limit = memory_used(row["sample"]), memory_limit(row["sample"])
    return f"{quantities.format_bytes_binary(used)} / {quantities.format_bytes_binary(limit)}"


def _pair(row: Document, figure: object) -> str:
    assert callable(figure)
    if not row["sample"]:
        return "--"
    first, second = figure(row["sample"])
    return f"{quantities.format_bytes_3(first)} / {quantities.format_bytes_3(second)}"


def _pids(row: Document) -> str:
    if not row["sample"]:
        return "--"
    return str((row["sample"].get("pids_stats") or {}).get("current") or 0)
