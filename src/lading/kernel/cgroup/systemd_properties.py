"""Limits in systemd's words: properties of a unit, by which it knows what we write to the files.

Without them it would set its own the next time it is told to reload. What it has no word for is in
the files alone. man 5 systemd.resource-control.
"""

from __future__ import annotations

from lading.errors import InvalidArgument

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Property = tuple[str, tuple[str, object]]  # a name, and a variant: signature and value

INFINITY = (1 << 64) - 1
# files of v2 and systemd's properties for them
NUMBERS = {
    "memory.min": "MemoryMin",
    "memory.low": "MemoryLow",
    "memory.high": "MemoryHigh",
    "memory.max": "MemoryMax",
    "memory.swap.max": "MemorySwapMax",
    "cpu.weight": "CPUWeight",
    "pids.max": "TasksMax",
}
LISTS = {"cpuset.cpus": "AllowedCPUs", "cpuset.mems": "AllowedMemoryNodes"}


def properties(resources: Mapping[str, Any]) -> list[Property]:
    """The limits of OCI linux.resources as properties. Raises InvalidArgument."""
    memory, cpu = resources.get("memory") or {}, resources.get("cpu") or {}
    found: list[Property] = []
    for field, name in (("limit", "MemoryMax"), ("reservation", "MemoryLow")):
        if memory.get(field):
            found.append((name, ("t", memory[field] & INFINITY)))  # -1 is unlimited
    swap, limit = memory.get("swap") or 0, memory.get("limit") or 0
    if swap:
        found.append(
            ("MemorySwapMax", ("t", (swap if -1 in (swap, limit) else swap - limit) & INFINITY))
        )
    if cpu.get("shares"):
        from lading.kernel.cgroup.v2 import weight_of_shares

        found.append(("CPUWeight", ("t", weight_of_shares(cpu["shares"]))))
    found += _quota(cpu.get("quota") or 0, cpu.get("period") or 0)
    pids = (resources.get("pids") or {}).get("limit")
    if pids:
        found.append(("TasksMax", ("t", pids if pids > 0 else INFINITY)))
    for field, name in (("cpus", "AllowedCPUs"), ("mems", "AllowedMemoryNodes")):
        if cpu.get(field):
            found.append((name, ("ay", bits(cpu[field]))))
    return found + _unified(resources.get("unified") or {})


def _unified(files: Mapping[str, str]) -> list[Property]:
    """Files of v2 by their names, as far as systemd has a word for them; they come last and win.

    Else it would write its own values to them when another limit of the same kind changes.
    """
    found: list[Property] = []
    for file, text in files.items():
        value = text.strip()
        if file in NUMBERS and (value == "max" or value.isdecimal()):
            found.append((NUMBERS[file], ("t", INFINITY if value == "max" else int(value))))
        elif file in LISTS and value:
            found.append((LISTS[file], ("ay", bits(value))))
        elif file == "cpu.max":
            quota, _, period = value.partition(" ")
            found += _quota(-1 if quota == "max" else int(quota), int(period or 0))
    return found


def _quota(quota: int, period: int) -> list[Property]:
    """systemd counts per second of time, in whole percents of a CPU: rounded up."""
    found: list[Property] = []
    if period:
        found.append(("CPUQuotaPeriodUSec", ("t", period)))
    if quota > 0:
        per_second = quota * 1_000_000 // (period or 100_000)
        found.append(("CPUQuotaPerSecUSec", ("t", -(-per_second // 10_000) * 10_000)))
    elif quota or period:
        found.append(("CPUQuotaPerSecUSec", ("t", INFINITY)))
    return found


def bits(text: str) -> bytes:
    """`0-2,9` as a bit field, lowest byte first. Raises InvalidArgument."""
    found = 0
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                found |= 1 << number
    except ValueError:
        raise InvalidArgument(f"invalid list of CPUs or nodes: {text}") from None
    return found.to_bytes((found.bit_length() + 7) // 8 or 1, "little")
