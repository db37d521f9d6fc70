"""One directory of a cgroup file system: make, limit, list, empty and remove it."""

from __future__ import annotations

import errno
import os
import time

from lading.errors import InvalidArgument, NotSupported
from lading.kernel.cgroup import counters
from lading.kernel.cgroup.hierarchy import read_text

SIGKILL = 9  # signal.SIGKILL without the module `signal` and its enums
WAITS_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # then the last, repeated


class LimitUnavailable(NotSupported):
    """cannot set {0}: the cgroup controller {1} or its file is missing on this host"""


class LimitRefused(InvalidArgument):
    """cannot set {0} to {1!r}: {2}"""


def write(path: str, value: str) -> None:
    """Write one file of a group. Raises OSError as the kernel answers."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def set_limit(directory: str, file: str, value: str, alternative: tuple[str, str] | None) -> None:
    """Write one limit, or its alternative where the kernel does not have the file."""
    if "/" in file:  # names of files come with page sizes and v2 words of the user
        raise LimitUnavailable(file, file.partition(".")[0])
    try:
        write(f"{directory}/{file}", value)
    except FileNotFoundError:
        if alternative is None:
            raise LimitUnavailable(file, file.partition(".")[0]) from None
        set_limit(directory, *alternative, None)
    except OSError as error:
        raise LimitRefused(file, value, _reason(directory, file, error)) from error


def _reason(directory: str, file: str, error: OSError) -> str:
    """The kernel's word; for a memory limit below what is used (EBUSY) with the figures."""
    if error.errno != errno.EBUSY or not file.startswith("memory."):
        return os.strerror(error.errno or 0)
    usage = counters.number(f"{directory}/memory.usage_in_bytes")
    peak = counters.number(f"{directory}/memory.max_usage_in_bytes")
    return f"current usage: {usage}, peak usage: {peak}"


def inherit_cpuset(above: str, directory: str) -> None:
    """Give a new v1 cpuset the CPUs and memory nodes of the one above."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not read_text(f"{directory}/{name}").strip():
            write(f"{directory}/{name}", read_text(f"{above}/{name}").strip())


def hand_down(directory: str, wanted: set[str]) -> None:
    """Enable the controllers for the groups below; one that cannot be does not stop the others."""
    there = set(read_text(f"{directory}/cgroup.controllers").split())
    enabled = set(read_text(f"{directory}/cgroup.subtree_control").split())
    for controller in sorted((wanted & there) - enabled):
        try:
            write(f"{directory}/cgroup.subtree_control", f"+{controller}")
        except OSError:
            continue  # a limit that needs it is refused by name later


def make(path: str) -> bool:
    """Make a group, which may exist; False if there is none to make it in."""
    try:
        os.mkdir(path)
    except FileExistsError:
        return True
    except FileNotFoundError:
        return False
    return True


def members(path: str) -> list[int]:
    """The processes right in a group; 0 stands for one of a PID namespace that is not ours."""
    try:
        return [int(pid) for pid in read_text(f"{path}/cgroup.procs").split()]
    except OSError as error:
        # gone meanwhile, being removed, or a threaded v2 group, which has no list of processes
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
            return []
        raise


def kill(pid: int) -> None:
    """SIGKILL; a process that is gone is fine."""
    try:
        os.kill(pid, SIGKILL)
    except ProcessLookupError:
        return


def walk(directory: str) -> list[str]:
    """The directory and all below it, parents first; empty if it is not there."""
    found = [directory] if os.path.isdir(directory) else []
    for here in found:
        try:
            with os.scandir(here) as entries:
                found += [e.path for e in entries if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            continue
    return found


def remove(directory: str, deadline: float) -> None:
    """Remove a group with those below it; retries EBUSY until `deadline` (monotonic seconds)."""
    waits = iter(WAITS_S)
    while True:
        try:
            os.rmdir(directory)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
        for below in reversed(walk(directory)[1:]):
            remove(below, deadline)
        time.sleep(next(waits, WAITS_S[-1]))
