"""One container's group: made, limited, filled, frozen, killed, read and removed, in all trees.

The same path is made in each mounted hierarchy. Processes enter by themselves: in v1 by writing
"0" to the `tasks` files that `join_files` opens (moving somebody else, or `cgroup.procs`, waits for
an RCU grace period of 6 ms), in v2 by being cloned into `v2_directory_fd` (CLONE_INTO_CGROUP).
Limits live in v1 where a controller is mounted there (hybrid), else in v2.
"""

from __future__ import annotations

import os
import time

from lading.errors import InvalidArgument
from lading.kernel import namespaces
from lading.kernel.cgroup import counters, device_rules, directory, limits, oom
from lading.kernel.cgroup.freezer import Freezer
from lading.kernel.cgroup.hierarchy import Hierarchies, hierarchies
from lading.kernel.cgroup.setting import LimitUnavailable, write, write_all

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lading.kernel.cgroup.systemd import Scope


class DevicesNotConfined(LimitUnavailable):
    """cannot set device rules: {0}"""


class Cgroup:
    """The group at `path` (absolute, from each hierarchy's root). Making one touches nothing.

    With `systemd` the path is that of a scope in a slice (`systemd.path_of`), and systemd makes it,
    where it has one tree; in those of v1 we make the same path ourselves.
    """

    __slots__ = ("_scope", "_trees", "path")

    def __init__(
        self, path: str, trees: Hierarchies | None = None, *, systemd: bool = False
    ) -> None:
        if not path.startswith("/") or ".." in path.split("/"):
            raise InvalidArgument(f"invalid cgroup path: {path!r}")
        self.path = path.rstrip("/")
        self._trees = trees or hierarchies()
        self._scope = _scope(self.path) if systemd and self._trees.is_unified() else None

    # -- life ---------------------------------------------------------------------------------

    def create(self, resources: Mapping[str, Any] | None = None) -> list[str]:
        """Make the group in all trees and set its limits; returns what was ignored, as sentences.

        Raises LimitUnavailable, LimitRefused or OSError, with nothing left of the group.
        An existing group is taken over, and is left alone on failure if it has processes.
        Call `born` when the first process is in it.
        """
        asked = resources or {}
        if self._scope is not None:
            self._scope.start(asked, is_busy=lambda: bool(self.pids()))
            asked, _ = self._scope.without_tasks(asked)  # its holder is one
        try:
            is_new = self._make(asked)
            self._set_devices(asked.get("devices") or [], is_new=is_new)
            return limits.apply(asked, self._trees, self.path, is_new=is_new)
        except BaseException:
            self.born()
            self._give_up()
            raise

    def born(self, resources: Mapping[str, Any] | None = None) -> None:
        """The first process is in the group, or never will be: what had to wait for it is done."""
        if self._scope is not None:
            self._scope.settle()
            _, tasks = self._scope.without_tasks(resources or {})
            if tasks:
                self.update(tasks)

    def update(self, resources: Mapping[str, Any]) -> list[str]:
        """Set these limits and leave all others; returns what was ignored.

        Device rules, if there are any, take the place of all earlier ones.
        Raises LimitUnavailable, LimitRefused; limits before the refused one stay set.
        """
        if resources.get("devices"):
            self._set_devices(resources["devices"], is_new=False)
        if self._scope is not None:
            self._scope.update(resources)
        return limits.apply(resources, self._trees, self.path)

    def remove(self, *, timeout_s: float = 2.0) -> None:
        """Remove the group and those below it; nothing to do is fine.

        A group whose last process has just died is busy for a moment. Raises OSError (EBUSY) if it
        still is after `timeout_s`. systemd forgets its scope before this returns.
        """
        deadline = time.monotonic() + timeout_s
        if self._scope is not None and not self.pids():
            self._scope.stop()
        for path in self._directories():
            directory.remove(path, deadline)

    def exists(self) -> bool:
        """Whether any tree has the group."""
        return any(os.path.isdir(path) for path in self._directories())

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
            self._kill_at_once()
            if self.pids():
                self._kill_frozen()
            if not self.pids():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(next(waits, directory.WAITS_S[-1]))

    def freeze(self, *, timeout_s: float = 2.0) -> None:
        """Stop all processes where they are. Raises TimeoutError (thawed again) if some do not."""
        Freezer(self._trees, self.path).freeze(timeout_s=timeout_s)

    def thaw(self) -> None:
        """Let the processes go on."""
        Freezer(self._trees, self.path).thaw()

    def is_frozen(self) -> bool:
        """Whether all processes stand still."""
        return Freezer(self._trees, self.path).is_frozen()

    def is_freezing(self) -> bool:
        """Whether somebody wants it frozen, be it that far or not."""
        return Freezer(self._trees, self.path).is_asked()

    # -- counters -----------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """What the group has used, in the shape that `counters` describes."""
        return counters.read(self._trees, self.path)

    def oom_killed(self) -> bool:
        """Whether the kernel ever killed a process here for want of memory."""
        return oom.kills(self._trees, self.path) > 0

    def oom_events(self) -> oom.OomEvents:
        """A descriptor that tells when it does, to be closed. Raises LimitUnavailable, OSError."""
        return oom.OomEvents(self._trees, self.path)

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
        freezer = self._trees.v1.get("freezer")  # what is killed should be what is frozen
        trees = [freezer] if freezer else self._trees.v1_trees()[:1]
        return trees if self._trees.v2 is None else [*trees, self._trees.v2]

    def _make(self, resources: Mapping[str, Any]) -> bool:
        """The directories and their parents; whether none of those with limits was there."""
        trees, is_new = self._trees, True
        for mount in trees.v1_trees():
            if mount == trees.v1.get("cpuset"):
                directory.make_cpuset(mount, self.path)
            else:
                is_new &= directory.make_with_parents(mount, self.path)
        if trees.v2 is None:
            return is_new
        if wanted := limits.wanted_of_v2(resources, trees):
            directory.hand_down_to(trees.v2, self.path, wanted)
        made = directory.make_with_parents(trees.v2, self.path)
        return made if trees.is_unified() else is_new

    def _set_devices(self, asked: list[Mapping[str, Any]], *, is_new: bool) -> None:
        """By the v1 controller, or by a program on the v2 directory. Raises BadDeviceRule."""
        if namespaces.in_user_namespace():
            return  # nobody can make a node there, nor may we load a program
        rules = device_rules.complete(asked)
        if "devices" in self._trees.v1:
            place = self._trees.v1["devices"] + self.path
            for file, lines in device_rules.v1_lines(rules):
                write_all(f"{place}/{file}", lines)
        elif self._trees.v2 is not None:
            self._filter_devices(self._trees.v2 + self.path, rules, is_new=is_new)
        elif asked:
            raise DevicesNotConfined("no cgroup hierarchy is mounted for them")

    def _filter_devices(self, place: str, rules: list[device_rules.Rule], *, is_new: bool) -> None:
        allows_all = device_rules.allow_all(rules)
        if allows_all and is_new:
            return
        # a program of eBPF: with v1's controller it is not loaded
        from lading.kernel.cgroup import device_filter

        try:
            device_filter.install(place, rules)
        except PermissionError as error:
            if not (allows_all or self._is_plain_user()):
                raise DevicesNotConfined(f"the kernel refuses an eBPF program: {error}") from error

    def _is_plain_user(self) -> bool:
        """Who may load no program may make no device either, and opens none but his own."""
        return os.geteuid() != 0 or namespaces.in_user_namespace()

    def _kill_at_once(self) -> None:
        if self._trees.v2 is None:
            return
        try:
            write(f"{self._trees.v2}{self.path}/cgroup.kill", "1")
        except FileNotFoundError:
            return

    def _kill_frozen(self) -> None:
        """Without a freezer kill() still outruns all but a fork bomb. The dead must be thawed."""
        self._try_to_freeze(True)
        for pid in self.pids():
            directory.kill(pid)
        self._try_to_freeze(False)

    def _try_to_freeze(self, frozen: bool) -> None:
        try:
            Freezer(self._trees, self.path).set(frozen)
        except (OSError, LimitUnavailable):
            return


def _scope(path: str) -> Scope:
    # most hosts do without: D-Bus is not loaded for them
    from lading.kernel.cgroup.systemd import Scope

    return Scope(path)
