"""Stopping all processes of a group where they are, and letting them go on.

v1 has `freezer.state`: FREEZING until the last process stands, and it must be told again for those
that were forked meanwhile. v2 has `cgroup.freeze`, which means it once for all, and says in
`cgroup.events`, with a wake-up for those who poll it, when it is done. man 7 cgroups.
"""

from __future__ import annotations

import errno
import os
import select
import time

from lading.errors import Conflict
from lading.kernel.cgroup import counters
from lading.kernel.cgroup.hierarchy import read_text
from lading.kernel.cgroup.setting import LimitUnavailable, write

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from lading.kernel.cgroup.hierarchy import Hierarchies

PAUSE_S = 0.0005
THAW_EACH = 50  # tries: an old kernel may stay FREEZING for ever, until it is thawed once


class OwnGroup(Conflict):
    """cannot freeze {0}: this process is in it"""


class Freezer:
    """The freezer of one group, in the v1 tree if that has one."""

    __slots__ = ("_directory", "_is_v1")

    def __init__(self, trees: Hierarchies, path: str) -> None:
        self._is_v1 = "freezer" in trees.v1
        if not self._is_v1 and trees.v2 is None:
            raise LimitUnavailable("freezer.state", "freezer")
        self._directory = (trees.v1["freezer"] if self._is_v1 else trees.v2 or "") + path

    def freeze(self, *, timeout_s: float) -> None:
        """Raises TimeoutError (thawed again) if a process does not stop, OwnGroup, OSError."""
        self._check_outside()
        deadline = time.monotonic() + timeout_s
        try:
            self.set(True)
            if self._is_v1:
                self._insist(deadline)
            else:
                self._wait(deadline)
        except BaseException:
            self.set(False)  # half frozen helps nobody
            raise

    def thaw(self) -> None:
        self.set(False)

    def set(self, frozen: bool) -> None:
        """Ask for it, without waiting."""
        try:
            if self._is_v1:
                write(f"{self._directory}/freezer.state", "FROZEN" if frozen else "THAWED")
            else:
                write(f"{self._directory}/cgroup.freeze", "1" if frozen else "0")
        except FileNotFoundError:
            if os.path.isdir(self._directory):  # before Linux 5.2
                raise LimitUnavailable("cgroup.freeze", "freezer") from None
            raise

    def is_frozen(self) -> bool:
        """Whether all processes stand still."""
        if self._is_v1:
            return read_text(f"{self._directory}/freezer.state").strip() == "FROZEN"
        return counters.flat(f"{self._directory}/cgroup.events").get("frozen") == 1

    def is_asked(self) -> bool:
        """Whether somebody wants it frozen, be it that far or not."""
        if self._is_v1:
            return read_text(f"{self._directory}/freezer.state").strip() != "THAWED"
        return counters.number(f"{self._directory}/cgroup.freeze") == 1

    def _check_outside(self) -> None:
        """To stop oneself is to wait for ever."""
        members = read_text(f"{self._directory}/cgroup.procs").split()
        if str(os.getpid()) in members:
            raise OwnGroup(self._directory)

    def _insist(self, deadline: float) -> None:
        tries = 0
        while not self.is_frozen():
            self._check_time(deadline)
            tries += 1
            if tries % THAW_EACH == 0:
                self.set(False)
            time.sleep(PAUSE_S)
            self.set(True)

    def _wait(self, deadline: float) -> None:
        events = os.open(f"{self._directory}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
        waiting = select.poll()
        waiting.register(events, select.POLLPRI)
        try:
            while not self.is_frozen():
                self._check_time(deadline)
                os.pread(events, 4096, 0)  # what is read is known: only news will wake us
                if not self.is_frozen():
                    waiting.poll(max(1, (deadline - time.monotonic()) * 1000))
        finally:
            os.close(events)

    def _check_time(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "processes do not freeze", self._directory)
