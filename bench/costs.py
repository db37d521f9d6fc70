"""What commands and processes cost: time on the clock, CPU seconds, memory."""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Of one command: seconds on the clock, and of CPU in itself and its children."""

    wall_s: float
    cpu_s: float


def run(words: Sequence[str], environ: dict[str, str]) -> Cost:
    """Run a command to its end; one that fails ends the bench."""
    began = time.perf_counter()
    process = subprocess.Popen(
        words,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    complaint = process.stderr.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: exit {process.returncode}\n{complaint.decode()}")
    return Cost(took, usage.ru_utime + usage.ru_stime)


def pss_mib(pid: int) -> float:
    """Proportional memory of a process: smaps_rollup in proc(5)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def forget_peak(pid: int) -> None:
    """Let the next `peak_mib` be of what happens from now on: clear_refs in proc(5)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mib(pid: int) -> float:
    """The most resident memory that a process had: VmHWM in proc(5)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def group(pid: int) -> list[int]:
    """A process and all that descend from it now."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            children.setdefault(parent(int(name)), []).append(int(name))
        except OSError:
            continue  # it has just ended
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def group_cpu_s(pid: int) -> float:
    """CPU of a process, its descendants, and those descendants that were waited for."""
    ticks = 0
    for member in group(pid):
        try:
            ticks += sum(int(field) for field in _stat(member)[11:15])
        except OSError:
            continue
    return ticks / TICKS_PER_S


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (the third of proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
