"""Out of memory: how often the kernel killed in a group, and a descriptor that wakes when it does.

v1 signals an eventfd that is registered in `cgroup.event_control`; v2 wakes who polls
`memory.events` for urgent data. Both are put behind an epoll descriptor, readable when there is
news, so that any loop can watch it. cgroup-v1/memory.rst, section 10; cgroup-v2.rst.
"""

from __future__ import annotations

import os
import select

from lading.kernel.cgroup import counters
from lading.kernel.cgroup.setting import ControllerMissing, write

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from lading.kernel.cgroup.hierarchy import Hierarchies


def memory_directory(trees: Hierarchies, path: str) -> tuple[str, bool]:
    """The group in the memory controller's tree; whether it is v1. Raises ControllerMissing."""
    if "memory" in trees.v1:
        return trees.v1["memory"] + path, True
    if trees.v2 is None:
        raise ControllerMissing("memory.events", "memory")
    return trees.v2 + path, False


def kills(trees: Hierarchies, path: str) -> int:
    """How many processes the kernel killed here for want of memory; 0 where nobody counts."""
    try:
        directory, is_v1 = memory_directory(trees, path)
    except ControllerMissing:
        return 0
    return counters.oom_kills_v1(directory) if is_v1 else counters.oom_kills_v2(directory)


class OomEvents:
    """Watches one group; `fileno` is readable when the kernel had to kill, or the group is gone."""

    __slots__ = ("_epoll", "_is_v1", "_kills", "_path", "_source", "_trees")

    def __init__(self, trees: Hierarchies, path: str) -> None:
        directory, self._is_v1 = memory_directory(trees, path)
        self._trees, self._path = trees, path
        self._epoll = select.epoll(flags=select.EPOLL_CLOEXEC)
        try:
            self._source = _eventfd(directory) if self._is_v1 else _events(directory)
        except BaseException:
            self._epoll.close()
            raise
        self._epoll.register(self._source, select.EPOLLIN if self._is_v1 else select.EPOLLPRI)
        self._kills = kills(trees, path)

    def fileno(self) -> int:
        return self._epoll.fileno()

    def read(self) -> int:
        """Take the news: how many were killed since the last time. Never waits."""
        if self._epoll.poll(0):
            if self._is_v1:
                os.eventfd_read(self._source)
            else:
                os.pread(self._source, 4096, 0)
        before, self._kills = self._kills, kills(self._trees, self._path)
        return max(0, self._kills - before)

    def close(self) -> None:
        os.close(self._source)
        self._epoll.close()


def _eventfd(directory: str) -> int:
    event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    try:
        control = os.open(f"{directory}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
        try:
            write(f"{directory}/cgroup.event_control", f"{event} {control}")
        finally:
            os.close(control)
    except BaseException:
        os.close(event)
        raise
    return event


def _events(directory: str) -> int:
    events = os.open(f"{directory}/memory.events", os.O_RDONLY | os.O_CLOEXEC)
    os.read(events, 4096)  # so that only what comes from now on is news
    return events
