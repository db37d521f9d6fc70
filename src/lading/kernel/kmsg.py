"""The kernel's log, /dev/kmsg: one record a read. Documentation/ABI/testing/dev-kmsg."""

from __future__ import annotations

import os
import time

PLACE = "/dev/kmsg"
RECORD_SIZE = 8192  # bytes, the most that a record can have
DRIFT = 1e-4  # of the log's clock, which nobody sets right, against CLOCK_MONOTONIC
SLACK_S = 1.0


def tells_of_oom_kill(cgroup: str, start_time: int, place: str = PLACE) -> bool:
    """Whether the log still says that a process of a cgroup was killed for want of memory.

    `start_time` is that of the group's first process, in ticks since the boot (man 5 proc): a group
    of the same name may have been there before. False also where the log is not ours to read.
    mm/oom_kill.c: dump_oom_summary.
    """
    try:
        log = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return any(is_kill(record, cgroup, _since(start_time)) for record in _records(log))
    finally:
        os.close(log)


def is_kill(record: bytes, cgroup: str, since_us: float) -> bool:
    """Whether a record tells of a kill in a cgroup, or below it, at a time or later."""
    if b"oom-kill:constraint=" not in record:
        return False
    prefix, _, text = record.partition(b";")
    fields = dict(part.partition("=")[::2] for part in text.decode(errors="replace").split(","))
    found = fields.get("task_memcg", "")
    is_ours = found == cgroup or found.startswith(f"{cgroup}/")
    return is_ours and int(prefix.split(b",")[2]) >= since_us


def _since(start_time: int) -> float:
    """The instant in microseconds of the log's clock, rather too early than too late."""
    started_s = start_time / os.sysconf("SC_CLK_TCK")
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - started_s
    now_s = time.monotonic()  # the log's clock stands still with it while the machine sleeps
    return (now_s - age_s - SLACK_S - DRIFT * now_s) * 1e6


def _records(log: int) -> list[bytes]:
    found: list[bytes] = []
    while True:
        try:
            record = os.read(log, RECORD_SIZE)
        except BrokenPipeError:
            continue  # it was overwritten before we came to it
        except OSError:  # EAGAIN: that was all
            return found
        if not record:
            return found
        found.append(record)
