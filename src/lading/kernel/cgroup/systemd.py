"""The systemd driver: a container's group is a scope that systemd made and whose limits it knows.

On hosts where systemd owns the cgroup tree, it is asked for a part of it: a transient scope with
Delegate=yes. A scope must have a process as long as it lives, and ours must be born inside: so a
holder, which only waits, is in the scope until the container's first process is.
man 5 org.freedesktop.systemd1; systemd.io/CGROUP_DELEGATION. Imported only when it is asked for.
"""

from __future__ import annotations

import os
import time

from lading.errors import InvalidArgument, SystemFault
from lading.kernel import dbus, process
from lading.kernel.cgroup.systemd_properties import INFINITY, properties

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from lading.kernel.cgroup.systemd_properties import Property

MANAGER = "/org/freedesktop/systemd1"
INTERFACE = "org.freedesktop.systemd1.Manager."
SIGKILL = 9
DEFAULT_SLICE = "system.slice"
USERS_SLICE = "user.slice"  # the default of a plain user's systemd, as runc has it


class BadPath(InvalidArgument):
    """expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "{0}" \
instead"""


class BadParent(InvalidArgument):
    'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"'


class BadSlice(InvalidArgument):
    """invalid slice name: {0}"""


class NotRunning(SystemFault):
    """systemd not running on this host, cannot use systemd cgroups manager"""


class NoScope(SystemFault):
    """error creating systemd unit `{0}`: got `{1}`"""


def path_of(asked: str, *, name: str = "", prefix: str = "lading") -> str:
    """The group's path for `slice:prefix:name`; the defaults serve when nothing was asked."""
    parts = asked.split(":") if asked else ["", prefix, name]
    if len(parts) != 3:
        raise BadPath(asked)
    slice_name, prefix, name = parts
    unit = name if name.endswith(".slice") else f"{prefix}-{name}.scope"
    default = DEFAULT_SLICE if os.geteuid() == 0 else USERS_SLICE
    return f"{expand(slice_name or default)}/{unit}"


def expand(slice_name: str) -> str:
    """Where a slice is: `a-b.slice` is `/a.slice/a-b.slice`; `-.slice` is the root."""
    stem = slice_name.removesuffix(".slice")
    if stem == slice_name or "/" in stem or not stem:
        raise BadSlice(slice_name)
    if stem == "-":
        return ""
    parts = stem.split("-")
    if not all(parts):
        raise BadSlice(slice_name)
    return "".join(f"/{'-'.join(parts[: end + 1])}.slice" for end in range(len(parts)))


def is_slice(name: str) -> bool:
    """Whether a cgroup parent can be given to systemd."""
    try:
        return bool(expand(name))
    except BadSlice:
        return False


def is_running(place: str = "/run/systemd/system") -> bool:
    """Whether systemd is this host's init. man 3 sd_booted."""
    return os.path.isdir(place)


def require() -> None:
    """Raises NotRunning where systemd is not this host's init."""
    if not is_running():
        raise NotRunning


def address() -> str:
    """Where systemd listens: the host's, or for a plain user his own."""
    if os.geteuid() == 0:
        return "/run/systemd/private"
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    return f"{runtime}/systemd/private"


def root() -> str:
    """The group below which systemd makes its slices: a plain user's has one of its own."""
    if os.geteuid() == 0:
        return ""
    with dbus.Connection(address()) as systemd:
        get, name = "org.freedesktop.DBus.Properties.Get", INTERFACE.rstrip(".")
        [(_, path)] = systemd.call(MANAGER, get, "ss", name, "ControlGroup")
    return str(path).rstrip("/")


class Scope:
    """The scope of one group, whose path ends in the slice's name and the unit's.

    A unit that is a slice itself has no processes of its own at first, so it needs no holder.
    """

    __slots__ = ("_holder", "path", "slice", "unit")

    def __init__(self, path: str) -> None:
        above, _, self.unit = path.rpartition("/")
        self.slice = above.rpartition("/")[2] or "-.slice"
        self.path = path
        self._holder = 0

    def start(self, resources: Mapping[str, Any], *, is_busy: Callable[[], bool]) -> None:
        """Have it made; it has a holder until `settle`. Raises NoScope, DBusError, OSError.

        `is_busy` says whether a unit of that name which is there already has processes.
        """
        is_slice = self.unit.endswith(".slice")
        described: list[Property] = [
            ("Description", ("s", f"Lading container {self.unit}")),
            *((f"{name}Accounting", ("b", True)) for name in ("Memory", "CPU", "IO", "Tasks")),
            ("DefaultDependencies", ("b", False)),
            ("CollectMode", ("s", "inactive-or-failed")),  # a killed one is forgotten, too
            *(each for each in properties(resources) if each[0] != "TasksMax"),
            # not the default of systemd's, a part of what the kernel allows
            ("TasksMax", ("t", INFINITY)),
        ]
        if not is_slice:
            self._hold()
            described += [
                ("Slice", ("s", self.slice)),
                ("Delegate", ("b", True)),
                ("PIDs", ("au", [self._holder])),
            ]
        try:
            self._start(described, is_busy)
        except BaseException:
            self.settle()
            raise

    @staticmethod
    def without_tasks(resources: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """All limits but that of processes, and that one, which waits for the holder to be gone."""
        rest = {name: value for name, value in resources.items() if name != "pids"}
        tasks = {"pids": resources["pids"]} if resources.get("pids") else {}
        files = rest.get("unified") or {}
        if "pids.max" in files:
            rest["unified"] = {name: text for name, text in files.items() if name != "pids.max"}
            tasks["unified"] = {"pids.max": files["pids.max"]}
        return rest, tasks

    def settle(self) -> None:
        """Let the holder go: the container's first process is in the scope, or never will be."""
        if self._holder:
            os.kill(self._holder, SIGKILL)
            os.waitpid(self._holder, 0)
            self._holder = 0

    def update(self, resources: Mapping[str, Any]) -> None:
        """Tell systemd of changed limits. Raises DBusError, OSError."""
        if changed := properties(resources):
            with dbus.Connection(address()) as systemd:
                systemd.call(
                    MANAGER, INTERFACE + "SetUnitProperties", "sba(sv)", self.unit, True, changed
                )

    def stop(self) -> None:
        """Have systemd forget it now. If it does not answer, it does so later and by itself."""
        try:
            with dbus.Connection(address()) as systemd:
                _stop(systemd, self.unit)
        except (OSError, dbus.DBusError):
            return

    def _start(self, described: list[Property], is_busy: Callable[[], bool]) -> None:
        with dbus.Connection(address()) as systemd:
            method, signature = INTERFACE + "StartTransientUnit", "ssa(sv)a(sa(sv))"
            arguments = (self.unit, "fail", described, ())
            try:
                [job] = systemd.call(MANAGER, method, signature, *arguments)
            except dbus.DBusError as error:
                if not error.name.endswith("UnitExists") or is_busy():
                    raise
                # of an earlier run: its end has not been noticed yet, or it failed
                _stop(systemd, self.unit)
                [job] = systemd.call(MANAGER, method, signature, *arguments)
            if (result := _wait(systemd, job)) != "done":
                raise NoScope(self.unit, result)

    def _hold(self) -> None:
        """Fork the holder; it ends with us, too."""
        parent = os.getpid()
        self._holder = os.fork()
        if self._holder == 0:
            try:
                process.prctl(process.PR_SET_PDEATHSIG, SIGKILL)
                while os.getppid() == parent:
                    time.sleep(3600)
            finally:
                os._exit(0)


def _stop(systemd: dbus.Connection, unit: str) -> None:
    for method, signature, arguments in (
        ("StopUnit", "ss", (unit, "replace")),
        ("ResetFailedUnit", "s", (unit,)),
    ):
        try:
            answer = systemd.call(MANAGER, INTERFACE + method, signature, *arguments)
        except dbus.DBusError as error:
            if not error.name.endswith("NoSuchUnit"):
                raise
            return
        if answer:
            _wait(systemd, answer[0])


def _wait(systemd: dbus.Connection, job: str) -> str:
    """Its result, when it is through. Raises TimeoutError."""
    while True:
        _, done, _, result = systemd.wait_signal("JobRemoved")
        if done == job:
            return str(result)
