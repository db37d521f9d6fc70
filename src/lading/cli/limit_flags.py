"""The flags of limits that `run`, `create` and `update` have, and the fields that they are."""

from __future__ import annotations

from lading.cli.flags import BYTES, CPUS, INT, STRING, SWAP, Flag
from lading.cli.parser import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.sdk.request import Document

FLAGS = (
    Flag("blkio-weight", "", INT, "Block IO (relative weight), between 10 and 1000, or 0"),
    Flag("cpu-period", "", INT, "Limit CPU CFS (Completely Fair Scheduler) period"),
    Flag("cpu-quota", "", INT, "Limit CPU CFS (Completely Fair Scheduler) quota"),
    Flag("cpu-rt-period", "", INT, "Limit CPU real-time period in microseconds"),
    Flag("cpu-rt-runtime", "", INT, "Limit CPU real-time runtime in microseconds"),
    Flag("cpu-shares", "c", INT, "CPU shares (relative weight)"),
    Flag("cpus", "", CPUS, "Number of CPUs"),
    Flag("cpuset-cpus", "", STRING, "CPUs in which to allow execution (0-3, 0,1)"),
    Flag("cpuset-mems", "", STRING, "MEMs in which to allow execution (0-3, 0,1)"),
    Flag("kernel-memory", "", BYTES, "Kernel memory limit", hidden=True),
    Flag("memory", "m", BYTES, "Memory limit"),
    Flag("memory-reservation", "", BYTES, "Memory soft limit"),
    Flag("memory-swap", "", SWAP, "Limit of memory plus swap: '-1' to enable unlimited swap"),
    Flag("pids-limit", "", INT, "Tune container pids limit (set -1 for unlimited)"),
)


class LimitArguments(Arguments):
    """Sizes in bytes, `cpus` in billionths of a CPU."""

    blkio_weight: int
    cpu_period: int
    cpu_quota: int
    cpu_rt_period: int
    cpu_rt_runtime: int
    cpu_shares: int
    cpus: int
    cpuset_cpus: str
    cpuset_mems: str
    kernel_memory: int
    memory: int
    memory_reservation: int
    memory_swap: int
    pids_limit: int


_FIELDS = {
    "blkio-weight": "BlkioWeight",
    "cpu-period": "CpuPeriod",
    "cpu-quota": "CpuQuota",
    "cpu-rt-period": "CpuRealtimePeriod",
    "cpu-rt-runtime": "CpuRealtimeRuntime",
    "cpu-shares": "CpuShares",
    "cpus": "NanoCpus",
    "cpuset-cpus": "CpusetCpus",
    "cpuset-mems": "CpusetMems",
    "kernel-memory": "KernelMemory",
    "memory": "Memory",
    "memory-reservation": "MemoryReservation",
    "memory-swap": "MemorySwap",
    "pids-limit": "PidsLimit",
}


def document(args: LimitArguments, names: Iterable[str]) -> Document:
    """The fields of those flags."""
    return {_FIELDS[name]: getattr(args, name.replace("-", "_")) for name in names}


def typed(args: LimitArguments) -> Document:
    """What was typed, zeros too: they take a limit away."""
    return document(args, [name for name in _FIELDS if name in args.given])


def asked(args: LimitArguments) -> Document:
    """Every field, for a container that has no limits yet."""
    return document(args, _FIELDS)
