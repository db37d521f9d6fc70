"""Counters of a container as Docker's document of them. Nothing is read or decided here."""

import os
from typing import Any, NamedTuple

from msgspec import UNSET

from lading.containers.record import ContainerRecord
from lading.logs.lines import format_time
from lading.wire.containers import ZERO_TIME
from lading.wire.stats import (
    BlockEntry,
    BlockStats,
    CpuStats,
    CpuUsage,
    MemoryStats,
    NetworkStats,
    PidsStats,
    Stats,
    Throttling,
)


class Sample(NamedTuple):
    """Counters at one instant; `system_ns` is the time of all CPUs together so far."""

    time_ns: int
    system_ns: int
    counters: dict[str, Any]
    networks: dict[str, dict[str, int]]


def empty(record: ContainerRecord) -> Stats:
    """What is told of a container that does not run."""
    return Stats(name=f"/{record.name}", id=record.id)


def document(record: ContainerRecord, sample: Sample, before: Sample | None = None) -> Stats:
    """A sample as Docker writes it, with the CPU of the one before it."""
    counters = sample.counters
    networks = {name: NetworkStats(**values) for name, values in sample.networks.items()}
    return Stats(
        name=f"/{record.name}",
        id=record.id,
        read=format_time(sample.time_ns),
        preread=format_time(before.time_ns) if before else ZERO_TIME,
        pids_stats=_pids(counters.get("pids", {})),
        blkio_stats=_block(counters),
        cpu_stats=_cpu(sample),
        precpu_stats=_cpu(before) if before else CpuStats(),
        memory_stats=_memory(counters.get("memory", {})),
        networks=networks or UNSET,
    )


def _cpu(sample: Sample) -> CpuStats:
    cpu = sample.counters.get("cpu", {})
    return CpuStats(
        cpu_usage=CpuUsage(
            total_usage=cpu.get("usage_ns", 0),
            percpu_usage=cpu.get("percpu_ns", UNSET),
            usage_in_kernelmode=cpu.get("system_ns", 0),
            usage_in_usermode=cpu.get("user_ns", 0),
        ),
        system_cpu_usage=sample.system_ns,
        online_cpus=online_cpus(),
        throttling_data=Throttling(
            periods=cpu.get("periods", 0),
            throttled_periods=cpu.get("throttled_periods", 0),
            throttled_time=cpu.get("throttled_ns", 0),
        ),
    )


def _memory(memory: dict[str, Any]) -> MemoryStats:
    """A limit that is none, or beyond the machine's memory, is the machine's memory."""
    limit, total = memory.get("limit", -1), total_memory()
    return MemoryStats(
        usage=memory.get("usage") or UNSET,
        max_usage=memory.get("max_usage") or UNSET,
        stats=memory.get("stats") or UNSET,
        failcnt=memory.get("failcnt") or UNSET,
        limit=total if limit < 0 else min(limit, total),
    )


def _block(counters: dict[str, Any]) -> BlockStats:
    block = counters.get("blkio", {})
    lists = {
        name: [BlockEntry(major=a, minor=b, op=o, value=v) for a, b, o, v in rows]
        for name, rows in block.items()
    }
    if "io_serviced" not in block:  # cgroup v2
        return BlockStats(io_service_bytes_recursive=lists.get("io_service_bytes", []))
    return BlockStats(
        io_service_bytes_recursive=lists["io_service_bytes"],
        io_serviced_recursive=lists["io_serviced"],
        io_queue_recursive=[],
        io_service_time_recursive=[],
        io_wait_time_recursive=[],
        io_merged_recursive=[],
        io_time_recursive=[],
        sectors_recursive=[],
    )


def _pids(pids: dict[str, int]) -> PidsStats:
    limit = pids.get("limit", -1)
    return PidsStats(current=pids.get("current", 0), limit=limit if limit > 0 else UNSET)


def online_cpus() -> int:
    return len(os.sched_getaffinity(0))


def total_memory() -> int:
    """Bytes of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
