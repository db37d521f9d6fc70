"""One directory of a cgroup file system: make it, list its members, empty and remove it."""

from __future__ import annotations

import errno
import os
import time

from lading.kernel.cgroup.hierarchy import read_text
from lading.kernel.cgroup.setting import write

SIGKILL = 9  # signal.SIGKILL without the module `signal` and its enums
WAITS_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # then the last, repeated


def make_cpuset(mount: str, path: str) -> None:
    """A v1 cpuset, which takes no process before it has CPUs and memory nodes.

    `cgroup.clone_children` of the parents has the kernel copy them into each new group: so only the
    first group below a parent is filled by hand.
    """
    if not make(mount + path) or not read_text(f"{mount}{path}/cpuset.cpus").strip():
        above = mount
        for part in path.split("/")[1:]:
            below = f"{above}/{part}"
            make(below)
            inherit_cpuset(above, below)
            above = below


def inherit_cpuset(above: str, directory: str) -> None:
    """Give a new cpuset the CPUs and nodes of the one above, and hand the habit down."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not read_text(f"{directory}/{name}").strip():
            write(f"{directory}/{name}", read_text(f"{above}/{name}").strip())
            write(f"{directory}/cgroup.clone_children", "1")


def hand_down(directory: str, wanted: set[str]) -> None:
    """Enable the controllers for the groups below; one that cannot be does not stop the others."""
    there = set(read_text(f"{directory}/cgroup.controllers").split())
    enabled = set(read_text(f"{directory}/cgroup.subtree_control").split())
    for controller in sorted((wanted & there) - enabled):
        try:
            write(f"{directory}/cgroup.subtree_control", f"+{controller}")
        except OSError:
            continue  # a limit that needs it is refused by name later


def hand_down_to(mount: str, path: str, wanted: set[str]) -> None:
    """Make the parents of a v2 group, each handing the controllers down."""
    above = mount
    hand_down(above, wanted)
    for part in path.split("/")[1:-1]:
        above = f"{above}/{part}"
        make(above)
        hand_down(above, wanted)


def make(path: str) -> bool:
    """Make a group, which may exist; False if there is none to make it in."""
    try:
        os.mkdir(path)
    except FileExistsError:
        return True
    except FileNotFoundError:
        return False
    return True


def make_with_parents(mount: str, path: str) -> bool:
    """Make a group; whether it was not there. The parents are, but for the first container."""
    try:
        os.mkdir(mount + path)
    except FileExistsError:
        return False
    except FileNotFoundError:
        os.makedirs(mount + path, exist_ok=True)
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
