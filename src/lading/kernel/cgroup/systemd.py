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

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Property = tuple[str, tuple[str, object]]  # a name, and a variant: signature and value

MANAGER = "/org/freedesktop/systemd1"
INTERFACE = "org.freedesktop.systemd1.Manager."
INFINITY = (1 << 64) - 1
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


def properties(resources: Mapping[str, Any]) -> list[Property]:
    """The limits in systemd's words, as far as it has them; the rest is in the files alone.

    Without them, systemd would set its own the next time it is told to reload.
    """
    memory, cpu = resources.get("memory") or {}, resources.get("cpu") or {}
    found: list[Property] = []
    for field, name in (("limit", "MemoryMax"), ("reservation", "MemoryLow")):
        if memory.get(field):
            found.append((name, ("t", memory[field] & INFINITY)))  # -1 is unlimited
    swap, limit = memory.get("swap") or 0, memory.get("limit") or 0
    if swap:
        found.append(
            ("MemorySwapMax", ("t", (swap if -1 in (swap, limit) else swap - limit) & INFINITY))
        )
    if cpu.get("shares"):
        from lading.kernel.cgroup.v2 import weight_of_shares

        found.append(("CPUWeight", ("t", weight_of_shares(cpu["shares"]))))
    found += _quota(cpu.get("quota") or 0, cpu.get("period") or 0)
    pids = (resources.get("pids") or {}).get("limit")
    if pids:
        found.append(("TasksMax", ("t", pids if pids > 0 else INFINITY)))
    for field, name in (("cpus", "AllowedCPUs"), ("mems", "AllowedMemoryNodes")):
        if cpu.get(field):
            found.append((name, ("ay", bits(cpu[field]))))
    return found


def _quota(quota: int, period: int) -> list[Property]:
    """systemd counts per second of time, in whole percents of a CPU: rounded up."""
    found: list[Property] = []
    if period:
        found.append(("CPUQuotaPeriodUSec", ("t", period)))
    if quota > 0:
        per_second = quota * 1_000_000 // (period or 100_000)
        found.append(("CPUQuotaPerSecUSec", ("t", -(-per_second // 10_000) * 10_000)))
    elif quota or period:
        found.append(("CPUQuotaPerSecUSec", ("t", INFINITY)))
    return found


def bits(text: str) -> bytes:
    """`0-2,9` as a bit field, lowest byte first. Raises InvalidArgument."""
    found = 0
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                found |= 1 << number
    except ValueError:
        raise InvalidArgument(f"invalid list of CPUs or nodes: {text}") from None
    return found.to_bytes((found.bit_length() + 7) // 8 or 1, "little")


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
