"""Which limits a container may have here: refused, discarded with a warning, or kept. Pure.

The kernel's possibilities come in as `HostLimits`. Order, words and the adjustments are moby's
(daemon/daemon_unix.go, verifyPlatformContainerResources): clients show these texts.
"""

from typing import Any, NamedTuple, TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from lading.errors import InvalidArgument
from lading.wire.host_config import Resources

SMALLEST_MEMORY = 6 * 1024 * 1024  # Docker's floor, below it no container starts
R = TypeVar("R", bound=Resources)


class HostLimits(NamedTuple):
    """What this host can limit; CPUs and memory nodes as the kernel lists them ("0-3,7")."""

    cpu_count: int
    cpus: str
    memory_nodes: str
    controllers: frozenset[str]
    has_swap: bool = True
    has_swappiness: bool = True
    has_oom_switch: bool = True
    has_weight: bool = True
    has_realtime: bool = True


def check(asked: R, can: HostLimits, *, is_update: bool = False) -> tuple[R, list[str]]:
    """The limits that will hold, and what was discarded of those asked. Raises InvalidArgument."""
    checks = _Checks(asked, can)
    checks.memory(is_update=is_update)
    checks.processes()
    checks.cpu()
    checks.realtime()
    checks.cpuset()
    checks.block_io()
    return replace(asked, **checks.changes), checks.warnings


class _Checks:
    """One pass over the limits; `changes` are the fields that are discarded."""

    def __init__(self, asked: Resources, can: HostLimits) -> None:
        self._asked = asked
        self._can = can
        self.changes: dict[str, Any] = {}
        self.warnings: list[str] = []

    def _discard(self, text: str, **changes: object) -> None:
        self.warnings.append(text)
        self.changes.update(changes)

    def memory(self, *, is_update: bool) -> None:
        asked, can = self._asked, self._can
        memory, swap = asked.memory, asked.memory_swap
        _refuse(0 != memory < SMALLEST_MEMORY, "Minimum memory limit allowed is 6MB")
        if memory > 0 and "memory" not in can.controllers:
            self._discard(f"{_NO_KERNEL} memory limit {_OR_CGROUP} Limitation discarded.",
                          memory=0, memory_swap=-1)  # fmt: skip
            memory, swap = 0, -1
        if memory > 0 and swap != -1 and not can.has_swap:
            self._discard(f"{_NO_KERNEL} swap limit {_OR_CGROUP} Memory limited without swap.",
                          memory_swap=-1)  # fmt: skip
            swap = -1
        _refuse(
            memory > 0 and 0 < swap < memory,
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        )
        _refuse(
            memory == 0 and swap > 0 and not is_update,
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        )
        self._swappiness()
        self._reservation(memory)
        self._oom_switch(memory)
        if asked.kernel_memory is not UNSET and asked.kernel_memory:
            self.changes["kernel_memory"] = UNSET  # no kernel has such a limit any more

    def _swappiness(self) -> None:
        value = self._asked.memory_swappiness
        if value is None or value == -1:
            if value == -1:
                self.changes["memory_swappiness"] = None
            return
        if not self._can.has_swappiness:
            self._discard(
                f"{_NO_KERNEL} memory swappiness {_OR_CGROUP} Memory swappiness discarded.",
                memory_swappiness=None,
            )
            return
        _refuse(
            not 0 <= value <= 100,
            f"Invalid value: {value}, valid memory swappiness range is 0-100",
        )

    def _reservation(self, memory: int) -> None:
        reservation = self._asked.memory_reservation
        if reservation > 0 and "memory" not in self._can.controllers:
            self._discard(f"{_NO_KERNEL} memory soft limit {_OR_CGROUP} Limitation discarded.",
                          memory_reservation=0)  # fmt: skip
            return
        _refuse(0 < reservation < SMALLEST_MEMORY, "Minimum memory reservation allowed is 6MB")
        _refuse(
            memory > 0 and memory < reservation,
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        )

    def _oom_switch(self, memory: int) -> None:
        is_off = self._asked.oom_kill_disable
        if is_off is None:
            return
        if not self._can.has_oom_switch:
            if is_off:
                self.warnings.append(
                    "Your kernel does not support OomKillDisable. OomKillDisable discarded."
                )
            self.changes["oom_kill_disable"] = None
        elif is_off and memory == 0:
            self.warnings.append(
                "OOM killer is disabled for the container, but no memory limit is set, "
                "this can result in the system running out of resources."
            )

    def processes(self) -> None:
        limit = self._asked.pids_limit
        if limit is not None and "pids" not in self._can.controllers:
            if limit > 0:
                self._discard(f"{_NO_KERNEL} PIDs limit {_OR_CGROUP} PIDs limit discarded.")
            self.changes["pids_limit"] = None

    def cpu(self) -> None:
        asked, count = self._asked, self._can.cpu_count
        has_cpu = "cpu" in self._can.controllers
        for name, value in (("Period", asked.cpu_period), ("Quota", asked.cpu_quota)):
            _refuse(
                asked.nano_cpus > 0 and value > 0,
                f"Conflicting options: Nano CPUs and CPU {name} cannot both be set",
            )
        _refuse(
            asked.nano_cpus > 0 and not has_cpu,
            "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler "
            "or the cgroup is not mounted",
        )
        _refuse(
            not 0 <= asked.nano_cpus <= count * 1_000_000_000,
            f"range of CPUs is from 0.01 to {count}.00, as there are only {count} CPUs available",
        )
        if asked.cpu_shares > 0 and not has_cpu:
            self._discard(
                "Your kernel does not support CPU shares or the cgroup is not mounted. "
                "Shares discarded.",
                cpu_shares=0,
            )
        if (asked.cpu_period or asked.cpu_quota) and not has_cpu:
            self._discard(
                "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
                cpu_period=0,
                cpu_quota=0,
            )
        _refuse(
            asked.cpu_period != 0 and not 1000 <= asked.cpu_period <= 1_000_000,
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        )
        _refuse(0 < asked.cpu_quota < 1000, "CPU cfs quota can not be less than 1ms (i.e. 1000)")
        if asked.cpu_percent > 0:
            self._discard("linux does not support CPU percent. Percent discarded.", cpu_percent=0)

    def realtime(self) -> None:
        """Never discarded: a program that needs real time fails without it, and not at once."""
        period, runtime = self._asked.cpu_realtime_period, self._asked.cpu_realtime_runtime
        _refuse(
            (period > 0 or runtime > 0) and not self._can.has_realtime,
            "kernel does not support CPU real-time scheduler",
        )
        _refuse(
            0 != period < runtime != 0,
            "cpu real-time runtime cannot be higher than cpu real-time period",
        )

    def cpuset(self) -> None:
        asked, can = self._asked, self._can
        if (asked.cpuset_cpus or asked.cpuset_mems) and "cpuset" not in can.controllers:
            self._discard(
                "Your kernel does not support cpuset or the cgroup is not mounted. "
                "CPUset discarded.",
                cpuset_cpus="",
                cpuset_mems="",
            )
            return
        _check_set(asked.cpuset_cpus, can.cpus, "cpus", "CPUs")
        _check_set(asked.cpuset_mems, can.memory_nodes, "mems", "memory nodes")

    def block_io(self) -> None:
        asked, can = self._asked, self._can
        if asked.blkio_weight > 0 and not can.has_weight:
            self._discard(
                "Your kernel does not support Block I/O weight or the cgroup is not mounted. "
                "Weight discarded.",
                blkio_weight=0,
            )
        else:
            _refuse(
                asked.blkio_weight != 0 and not 10 <= asked.blkio_weight <= 1000,
                "Range of blkio weight is from 10 to 1000",
            )
        _refuse(
            bool(asked.io_maximum_bandwidth or asked.io_maximum_iops),
            "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps",
        )
        if asked.blkio_weight_device and not can.has_weight:
            self._discard(
                "Your kernel does not support Block I/O weight_device or the cgroup is not "
                "mounted. Weight-device discarded.",
                blkio_weight_device=[],
            )
        if {"blkio", "io"} & can.controllers:
            return
        for name, text in _THROTTLES.items():
            if getattr(asked, name):
                self._discard(
                    f"Your kernel does not support {text[0]} limit or the cgroup is not mounted. "
                    f"Block I/O {text[1]} limit discarded.",
                    **{name: []},
                )


_NO_KERNEL = "Your kernel does not support"
_OR_CGROUP = "capabilities or the cgroup is not mounted."
_THROTTLES = {
    "blkio_device_read_bps": ("BPS Block I/O read", "BPS read"),
    "blkio_device_write_bps": ("BPS Block I/O write", "BPS write"),
    "blkio_device_read_iops": ("IOPS Block read", "IOPS read"),
    "blkio_device_write_iops": ("IOPS Block write", "IOPS write"),
}


def _refuse(is_wrong: bool, text: str) -> None:
    if is_wrong:
        raise InvalidArgument(text)


def _check_set(asked: str, available: str, name: str, told: str) -> None:
    """Refuse numbers that this host has not."""
    try:
        wanted = parse_set(asked)
    except ValueError as error:
        raise InvalidArgument(f"Invalid value {asked} for cpuset {name}: {error}") from error
    if not wanted <= parse_set(available):
        raise InvalidArgument(
            f"Requested {told} are not available - requested {asked}, available: {available}"
        )


def parse_set(text: str) -> frozenset[int]:
    """`0-2,7` as numbers; the kernel's list format, man 7 cpuset. Raises ValueError."""
    numbers: set[int] = set()
    for part in text.split(",") if text else ():
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"invalid format: {text}")
        low, high = int(first), int(last or first)
        if high < low or high > 8192:
            raise ValueError(f"invalid format: {text}")
        numbers.update(range(low, high + 1))
    return frozenset(numbers)
