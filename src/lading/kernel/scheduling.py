"""How the kernel runs a process: scheduler, I/O priority, memory policy, execution domain.

man 2 sched_setattr, ioprio_set, set_mempolicy, personality. Names are those of the OCI runtime
spec, which takes the kernel's (include/uapi/linux/{sched,ioprio,mempolicy,personality}.h).
"""

from __future__ import annotations

import os
import struct

from lading.kernel.c_types import c_char_p, c_int, c_uint, c_ulong
from lading.kernel.syscall import function

POLICIES = {
    "SCHED_OTHER": 0,
    "SCHED_FIFO": 1,
    "SCHED_RR": 2,
    "SCHED_BATCH": 3,
    "SCHED_ISO": 4,
    "SCHED_IDLE": 5,
    "SCHED_DEADLINE": 6,
}
SCHED_FLAGS = {
    "SCHED_FLAG_RESET_ON_FORK": 0x01,
    "SCHED_FLAG_RECLAIM": 0x02,
    "SCHED_FLAG_DL_OVERRUN": 0x04,
    "SCHED_FLAG_KEEP_POLICY": 0x08,
    "SCHED_FLAG_KEEP_PARAMS": 0x10,
    "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
    "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
}
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}
IOPRIO_CLASS_SHIFT = 13
IOPRIO_WHO_PROCESS = 1
DOMAINS = {"LINUX": 0x0000, "LINUX32": 0x0008}
MEMORY_MODES = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}
MEMORY_FLAGS = {
    "MPOL_F_NUMA_BALANCING": 1 << 13,
    "MPOL_F_RELATIVE_NODES": 1 << 14,
    "MPOL_F_STATIC_NODES": 1 << 15,
}

# struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period
_attr = struct.Struct("IIQiIQQQ")
_sched_setattr = function("sched_setattr", c_int, c_char_p, c_uint)
_ioprio_set = function("ioprio_set", c_int, c_int, c_int)
_personality = function("personality", c_ulong)
_set_mempolicy = function("set_mempolicy", c_int, c_char_p, c_ulong)


def sched_setattr(
    policy: int,
    *,
    flags: int = 0,
    nice: int = 0,
    priority: int = 0,
    runtime: int = 0,
    deadline: int = 0,
    period: int = 0,
) -> None:
    """Of this thread; times in nanoseconds. Raises EPERM, EINVAL."""
    fields = (policy, flags, nice, priority, runtime, deadline, period)
    _sched_setattr(0, _attr.pack(_attr.size, *fields), 0)


def ioprio_set(io_class: int, priority: int) -> None:
    """Of this thread; priority 0 (first) to 7."""
    _ioprio_set(IOPRIO_WHO_PROCESS, 0, io_class << IOPRIO_CLASS_SHIFT | priority)


def personality(domain: int) -> None:
    """The execution domain, which children and execve keep."""
    _personality(domain)


def set_mempolicy(mode: int, nodes: set[int]) -> None:
    """From which NUMA nodes memory comes."""
    size = (max(nodes, default=0) // 64 + 1) * 8
    mask = sum(1 << node for node in nodes).to_bytes(size, "little")
    _set_mempolicy(mode, mask if nodes else None, size * 8 + 1 if nodes else 0)


def parse_list(text: str) -> set[int]:
    """`0-3,7` as the kernel writes lists of CPUs and nodes. Raises ValueError."""
    members: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first and not dash:
            continue
        members |= set(range(int(first), int(last if dash else first) + 1))
    return members


def set_affinity(cpus: set[int]) -> None:
    """man 2 sched_setaffinity."""
    os.sched_setaffinity(0, cpus)
