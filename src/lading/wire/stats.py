"""Documents of `GET /containers/{id}/stats`. Docker has their names in small letters."""

from msgspec import UNSET, UnsetType, field

from lading.wire.base import Document
from lading.wire.containers import ZERO_TIME


class CpuUsage(Document, rename=None):
    """CPU time in nanoseconds; `percpu_usage` on cgroup v1 only."""

    total_usage: int = 0
    percpu_usage: list[int] | UnsetType = UNSET
    usage_in_kernelmode: int = 0
    usage_in_usermode: int = 0


class Throttling(Document, rename=None):
    """How often and how long (nanoseconds) the CPU quota held it up."""

    periods: int = 0
    throttled_periods: int = 0
    throttled_time: int = 0


class CpuStats(Document, rename=None):
    """`system_cpu_usage` is the time of all CPUs together, idle or not, in nanoseconds."""

    cpu_usage: CpuUsage = field(default_factory=CpuUsage)
    system_cpu_usage: int | UnsetType = UNSET
    online_cpus: int | UnsetType = UNSET
    throttling_data: Throttling = field(default_factory=Throttling)


class MemoryStats(Document, rename=None):
    """Bytes; `stats` is memory.stat, whose names differ between the versions of cgroups."""

    usage: int | UnsetType = UNSET
    max_usage: int | UnsetType = UNSET
    stats: dict[str, int] | UnsetType = UNSET
    failcnt: int | UnsetType = UNSET
    limit: int | UnsetType = UNSET


class BlockEntry(Document, rename=None):
    """One operation on one device."""

    major: int
    minor: int
    op: str
    value: int


class BlockStats(Document, rename=None):
    """Cgroup v1 has lists, mostly empty; v2 fills the first and has null for the others."""

    io_service_bytes_recursive: list[BlockEntry] | None = None
    io_serviced_recursive: list[BlockEntry] | None = None
    io_queue_recursive: list[BlockEntry] | None = None
    io_service_time_recursive: list[BlockEntry] | None = None
    io_wait_time_recursive: list[BlockEntry] | None = None
    io_merged_recursive: list[BlockEntry] | None = None
    io_time_recursive: list[BlockEntry] | None = None
    sectors_recursive: list[BlockEntry] | None = None


class PidsStats(Document, rename=None):
    """Processes and threads; no limit, no field."""

    current: int | UnsetType = UNSET
    limit: int | UnsetType = UNSET


class NetworkStats(Document, rename=None):
    """What went through one interface, as the container sees it."""

    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int


class Stats(Document, rename=None):
    """One sample, and the CPU of the sample before it. Times are RFC 3339 text."""

    name: str
    id: str
    read: str = ZERO_TIME
    preread: str = ZERO_TIME
    pids_stats: PidsStats = field(default_factory=PidsStats)
    blkio_stats: BlockStats = field(default_factory=BlockStats)
    num_procs: int = 0  # of Windows, as is the next
    storage_stats: dict[str, int] = field(default_factory=dict)
    cpu_stats: CpuStats = field(default_factory=CpuStats)
    precpu_stats: CpuStats = field(default_factory=CpuStats)
    memory_stats: MemoryStats = field(default_factory=MemoryStats)
    networks: dict[str, NetworkStats] | UnsetType = UNSET
