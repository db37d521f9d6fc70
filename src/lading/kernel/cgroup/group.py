"""One container's group: made, limited, filled, frozen, killed, read and removed, in all trees.

The same path is made in each mounted hierarchy. Processes enter by themselves: in v1 by writing
"0" to the `tasks` files that `join_files` opens (moving somebody else, or `cgroup.procs`, waits for
an RCU grace period of 6 ms), in v2 by being cloned into `v2_directory_fd` (CLONE_INTO_CGROUP).
Limits live in v1 where a controller is mounted there (hybrid), else in v2.
"""

from __future__ import annotations

import errno
import os
import time

from lading.errors import InvalidArgument
from lading.kernel.cgroup import counters, directory, v1, v2
from lading.kernel.cgroup.directory import LimitUnavailable
from lading.kernel.cgroup.hierarchy import Hierarchies, hierarchies, read_text

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Cgroup:
    """The group at `path` (absolute, from each hierarchy's root). Making one touches nothing."""

    __slots__ = ("_trees", "path")

    def __init__(self, path: str, trees: Hierarchies | None = None) -> None:
        if not path.startswith("/") or ".." in path.split("/"):
            raise InvalidArgument(f"invalid cgroup path: {path!r}")
        self.path = path.rstrip("/")
        self._trees = trees or hierarchies()

    # -- life ---------------------------------------------------------------------------------

    def create(self, resources: Mapping[str, Any] | None = None) -> list[str]:
        """Make the group in all trees and set its limits; returns what was ignored, as sentences.

        Raises LimitUnavailable, LimitRefused or OSError, with nothing left of the group.
        An existing group is taken over, and is left alone on failure if it has processes.
        """
        asked = resources or {}
        try:
            for mount in self._trees.v1_trees():
                self._make(mount, cpuset=mount == self._trees.v1.get("cpuset"))
            if self._trees.v2 is not None:
                self._make_v2(self._trees.v2)
            if "devices" in self._trees.v1:
                self._apply_v1(v1.device_settings(asked.get("devices") or []))
            warnings = self.update({k: asked[k] for k in asked if k != "devices"})
        except BaseException:
            self._give_up()
            raise
        if asked.get("devices") and "devices" not in self._trees.v1:
            # The rules of v2 are an eBPF program attached to v2_directory_fd(): made elsewhere.
            warnings.append("device rules are not enforced: no cgroup v1 controller for devices")
        return warnings

    def update(self, resources: Mapping[str, Any]) -> list[str]:
        """Set these limits and leave all others; returns what was ignored.

        Raises LimitUnavailable, LimitRefused; limits before the refused one stay set.
        """
        if self._trees.is_unified():
            self._apply_v2(v2.settings(resources))
            return v2.unsettable(resources)
        self._apply_v1(self._in_safe_order(v1.settings(resources)))
        self._apply_v2(list((resources.get("unified") or {}).items()))
        return v1.unsettable(resources)

    def remove(self, *, timeout_s: float = 2.0) -> None:
        """Remove the group and those below it; nothing to do is fine.

        A group whose last process has just died is busy for a moment. Raises OSError (EBUSY) if it
        still is after `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        for path in self._directories():
            directory.remove(path, deadline)

    # -- members ------------------------------------------------------------------------------

    def join_files(self) -> list[int]:
        """The `tasks` files of v1, open for writing: a child writes b"0" to each to enter."""
        opened: list[int] = []
        try:
            for mount in self._trees.v1_trees():
                file = f"{mount}{self.path}/tasks"
                opened.append(os.open(file, os.O_WRONLY | os.O_CLOEXEC))
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        return opened

    def v2_directory_fd(self) -> int | None:
        """The v2 directory for CLONE_INTO_CGROUP, also on a hybrid host; None without a v2 tree."""
        if self._trees.v2 is None:
            return None
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        return os.open(self._trees.v2 + self.path, flags)

    def pids(self) -> list[int]:
        """The processes in the group and below it; those of other PID namespaces do not show."""
        found: set[int] = set()
        for tree in self._member_trees():
            for path in directory.walk(tree + self.path):
                found.update(directory.members(path))
        return sorted(found - {0})

    def kill(self, *, timeout_s: float = 5.0) -> bool:
        """SIGKILL all processes until the group is empty; whether it is.

        Where the kernel has cgroup.kill (5.14) it kills those in the v2 tree in one step. The
        others are killed while frozen, so that none can fork or hand its pid to a stranger.
        """
        deadline = time.monotonic() + timeout_s
        waits = iter(directory.WAITS_S)
        while True:
            self._write_v2("cgroup.kill", "1")
            if self.pids():
                self._kill_frozen()
            if not self.pids():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(next(waits, directory.WAITS_S[-1]))

    def freeze(self, *, timeout_s: float = 2.0) -> None:
        """Stop all processes where they are. Raises TimeoutError (thawed again) if some do not."""
        deadline = time.monotonic() + timeout_s
        self._set_frozen(True)
        waits = iter(directory.WAITS_S)
        while not self.is_frozen():
            if time.monotonic() > deadline:
                self._set_frozen(False)
                raise TimeoutError(errno.ETIMEDOUT, "processes do not freeze", self.path)
            time.sleep(next(waits, directory.WAITS_S[-1]))
            if "freezer" in self._trees.v1:
                self._set_frozen(True)  # v1 stays FREEZING unless it is told again

    def thaw(self) -> None:
        """Let the processes go on."""
        self._set_frozen(False)

    def is_frozen(self) -> bool:
        """Whether all processes stand still."""
        if "freezer" in self._trees.v1:
            return read_text(self._v1_file("freezer.state")).strip() == "FROZEN"
        return counters.flat(f"{self._trees.v2}{self.path}/cgroup.events").get("frozen") == 1

    # -- counters -----------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """What the group has used, in the shape that `counters` describes."""
        if self._trees.is_unified():
            return counters.read_v2(f"{self._trees.v2}{self.path}")
        return counters.read_v1({name: at + self.path for name, at in self._trees.v1.items()})

    def oom_killed(self) -> bool:
        """Whether the kernel ever killed a process here for want of memory."""
        if "memory" in self._trees.v1:
            return counters.oom_kills_v1(self._trees.v1["memory"] + self.path) > 0
        return counters.oom_kills_v2(f"{self._trees.v2}{self.path}") > 0

    def exists(self) -> bool:
        """Whether any tree has the group."""
        return any(os.path.isdir(path) for path in self._directories())

    # -- inside -------------------------------------------------------------------------------

    def _give_up(self) -> None:
        try:
            self.remove(timeout_s=0.0)
        except OSError:
            return  # it was there before us, with processes; the first error is the one to tell

    def _directories(self) -> list[str]:
        mounts = self._trees.v1_trees()
        if self._trees.v2 is not None:
            mounts.append(self._trees.v2)
        return [mount + self.path for mount in mounts]

    def _member_trees(self) -> list[str]:
        """One v1 tree shows all who joined; the v2 tree shows who was cloned into it."""
        trees = self._trees.v1_trees()[:1]
        return trees if self._trees.v2 is None else [*trees, self._trees.v2]

    def _make(self, mount: str, *, cpuset: bool) -> None:
        """The directory and its parents; a cpuset takes no process before it has CPUs and nodes."""
        if not cpuset and directory.make(mount + self.path):
            return  # the parents are there but for the first container
        above = mount
        for part in self.path.split("/")[1:]:
            below = f"{above}/{part}"
            directory.make(below)
            if cpuset:
                directory.inherit_cpuset(above, below)
            above = below

    def _make_v2(self, mount: str) -> None:
        """The directory with its parents handing down the controllers that we use."""
        wanted = set(v2.CONTROLLERS) if self._trees.is_unified() else set()
        above = mount
        for part in self.path.split("/")[1:]:
            if wanted:
                directory.hand_down(above, wanted)
            above = f"{above}/{part}"
            directory.make(above)

    def _v1_file(self, file: str) -> str:
        controller = file.partition(".")[0]
        return f"{self._trees.v1[controller]}{self.path}/{file}"

    def _apply_v1(self, settings: list[v1.Setting]) -> None:
        for file, value in settings:
            controller = file.partition(".")[0]
            if controller not in self._trees.v1:
                raise LimitUnavailable(file, controller)
            place = self._trees.v1[controller] + self.path
            directory.set_limit(place, file, value, v1.alternative(file, value))

    def _apply_v2(self, settings: list[v2.Setting]) -> None:
        for file, value in settings:
            if self._trees.v2 is None:
                raise LimitUnavailable(file, file.partition(".")[0])
            place = self._trees.v2 + self.path
            directory.set_limit(place, file, value, v2.alternative(file, value))

    def _in_safe_order(self, settings: list[v1.Setting]) -> list[v1.Setting]:
        """Raise memory+swap before memory: at no time may memory be above memory+swap."""
        names = [file for file, _ in settings]
        limit, both = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
        if limit not in names or both not in names or "memory" not in self._trees.v1:
            return settings
        now, wanted = counters.number(self._v1_file(both)), int(dict(settings)[both])
        if now is None or 0 <= wanted <= now:
            return settings
        return [(both, str(wanted)), *(setting for setting in settings if setting[0] != both)]

    def _write_v2(self, file: str, value: str) -> bool:
        if self._trees.v2 is None:
            return False
        try:
            directory.write(f"{self._trees.v2}{self.path}/{file}", value)
        except FileNotFoundError:
            return False
        return True

    def _set_frozen(self, frozen: bool) -> None:
        if "freezer" in self._trees.v1:
            directory.write(self._v1_file("freezer.state"), "FROZEN" if frozen else "THAWED")
        elif not self._write_v2("cgroup.freeze", "1" if frozen else "0"):
            raise LimitUnavailable("cgroup.freeze", "freezer")

    def _kill_frozen(self) -> None:
        frozen = self._try_to_freeze(True)  # without, kill() still outruns all but a fork bomb
        for pid in self.pids():
            directory.kill(pid)
        if frozen:
            self._try_to_freeze(False)

    def _try_to_freeze(self, frozen: bool) -> bool:
        try:
            self._set_frozen(frozen)
        except (OSError, LimitUnavailable):
            return False
        return True
