"""Limits that contradict themselves are refused; those that the host cannot set are discarded.

Both at create and at update, with dockerd's words (moby: daemon/daemon_unix.go, runconfig), for
clients match on them. Pure: what the host can do comes in as `Abilities`.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from lading.errors import InvalidArgument
from lading.kernel.cgroup.abilities import Abilities
from lading.wire.host_config import HostConfig

SMALLEST_MEMORY = 6 * 1024 * 1024  # Docker's floor, below it no container starts
LARGEST_CPU = 8191  # of a cpuset list: moby's guard against lists of billions


class MemoryTooSmall(InvalidArgument):
    """Minimum memory limit allowed is 6MB"""


class ReservationTooSmall(InvalidArgument):
    """Minimum memory reservation allowed is 6MB"""


class ReservationAboveMemory(InvalidArgument):
    """Minimum memory limit can not be less than memory reservation limit, see usage"""


class SwapBelowMemory(InvalidArgument):
    """Minimum memoryswap limit should be larger than memory limit, see usage"""


class SwapWithoutMemory(InvalidArgument):
    """You should always set the Memory limit when using Memoryswap limit, see usage"""


class BadSwappiness(InvalidArgument):
    """Invalid value: {0}, valid memory swappiness range is 0-100"""


class TooManyCpus(InvalidArgument):
    """range of CPUs is from 0.01 to {0}.00, as there are only {0} CPUs available"""


class CpusAndQuota(InvalidArgument):
    """Conflicting options: Nano CPUs and CPU {0} cannot both be set"""


class NoCfs(InvalidArgument):
    """NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is \
not mounted"""


class BadPeriod(InvalidArgument):
    """CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"""


class BadQuota(InvalidArgument):
    """CPU cfs quota can not be less than 1ms (i.e. 1000)"""


class BadShares(InvalidArgument):
    """invalid CPU shares ({0}): value must be a positive integer"""


class NoRealtime(InvalidArgument):
    """kernel does not support CPU real-time scheduler"""


class RuntimeAbovePeriod(InvalidArgument):
    """cpu real-time runtime cannot be higher than cpu real-time period"""


class BadCpuset(InvalidArgument):
    """Invalid value {0} for cpuset {1}: invalid format: {0}"""


class CpusetUnavailable(InvalidArgument):
    """Requested {0} are not available - requested {1}, available: {2}"""


class BadWeight(InvalidArgument):
    """Range of blkio weight is from 10 to 1000"""


class NoQos(InvalidArgument):
    """invalid option: QoS maximum {0} configuration is not supported on linux"""


class BadOomScore(InvalidArgument):
    """Invalid value {0}, range for oom score adj is [-1000, 1000]"""


class BadShmSize(InvalidArgument):
    """SHM size can not be less than 0"""


NO_KERNEL = "Your kernel does not support {} or the cgroup is not mounted."


def settle(
    host: HostConfig, can: Abilities, *, cpu_count: int, is_update: bool = False
) -> tuple[HostConfig, list[str]]:
    """The limits that will hold, with Docker's defaults, and warnings about those that will not.

    Raises InvalidArgument. With `is_update` a field that is not set is one that stays as it is.
    """
    warnings: list[str] = []
    host = _memory(host, can, warnings, is_update=is_update)
    host = _oom(host, can, warnings, is_update=is_update)
    if host.pids_limit is not None and not can.pids:
        if host.pids_limit > 0:
            text = NO_KERNEL.format("PIDs limit capabilities")
            warnings.append(f"{text} PIDs limit discarded.")
        host = replace(host, pids_limit=None)
    if host.pids_limit is not None and host.pids_limit <= 0 and not is_update:
        host = replace(host, pids_limit=None)  # no limit is what there is without being asked
    host = _cpu(host, can, cpu_count, warnings)
    host = _cpuset(host, can, warnings)
    host = _blkio(host, can, warnings)
    _others(host)
    return host, warnings


def _memory(
    host: HostConfig, can: Abilities, warnings: list[str], *, is_update: bool
) -> HostConfig:
    memory, swap, swappiness = host.memory, host.memory_swap, host.memory_swappiness
    reservation = host.memory_reservation
    swappiness = None if swappiness == -1 else swappiness
    if memory and memory < SMALLEST_MEMORY:
        raise MemoryTooSmall
    if memory > 0 and not can.memory:
        text = NO_KERNEL.format("memory limit capabilities")
        warnings.append(f"{text} Limitation discarded.")
        memory, swap = 0, -1
    if memory > 0 and not swap and not is_update:
        swap = memory * 2  # Docker: a memory limit alone allows as much swap again
    if memory > 0 and swap != -1 and not can.swap:
        text = NO_KERNEL.format("swap limit capabilities")
        warnings.append(f"{text} Memory limited without swap.")
        swap = -1
    if memory > 0 and 0 < swap < memory:
        raise SwapBelowMemory
    if not memory and swap > 0 and not is_update:
        raise SwapWithoutMemory
    if swappiness is not None and not can.swappiness:
        text = NO_KERNEL.format("memory swappiness capabilities")
        warnings.append(f"{text} Memory swappiness discarded.")
        swappiness = None
    if swappiness is not None and not 0 <= swappiness <= 100:
        raise BadSwappiness(swappiness)
    if reservation > 0 and not can.reservation:
        text = NO_KERNEL.format("memory soft limit capabilities")
        warnings.append(f"{text} Limitation discarded.")
        reservation = 0
    if 0 < reservation < SMALLEST_MEMORY:
        raise ReservationTooSmall
    if 0 < memory < reservation:
        raise ReservationAboveMemory
    return replace(
        host,
        memory=memory,
        memory_swap=swap,
        memory_swappiness=swappiness,
        memory_reservation=reservation,
    )


def _oom(host: HostConfig, can: Abilities, warnings: list[str], *, is_update: bool) -> HostConfig:
    disable = host.oom_kill_disable
    if disable is None and not is_update:
        disable = False
    if disable is not None and not can.oom_kill_disable:
        if disable:
            text = "Your kernel does not support OomKillDisable. OomKillDisable discarded."
            warnings.append(text)
        disable = None
    if disable and not host.memory:
        warnings.append(
            "OOM killer is disabled for the container, but no memory limit is set, this can result "
            "in the system running out of resources."
        )
    return replace(host, oom_kill_disable=disable)


def _cpu(host: HostConfig, can: Abilities, cpu_count: int, warnings: list[str]) -> HostConfig:
    if host.cpu_shares < 0:
        raise BadShares(host.cpu_shares)
    if host.nano_cpus > 0:
        if host.cpu_period > 0:
            raise CpusAndQuota("Period")
        if host.cpu_quota > 0:
            raise CpusAndQuota("Quota")
        if not can.cpu_cfs:
            raise NoCfs
    if host.nano_cpus < 0 or host.nano_cpus > cpu_count * 1_000_000_000:
        raise TooManyCpus(cpu_count)
    if host.cpu_shares and not can.cpu_shares:
        warnings.append(f"{NO_KERNEL.format('CPU shares')} Shares discarded.")
        host = replace(host, cpu_shares=0)
    if (host.cpu_period or host.cpu_quota) and not can.cpu_cfs:
        text = "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded."
        warnings.append(text)
        host = replace(host, cpu_period=0, cpu_quota=0)
    if host.cpu_period and not 1000 <= host.cpu_period <= 1_000_000:
        raise BadPeriod
    if 0 < host.cpu_quota < 1000:
        raise BadQuota
    if host.cpu_percent > 0:
        warnings.append("linux does not support CPU percent. Percent discarded.")
        host = replace(host, cpu_percent=0)
    runtime, period = host.cpu_realtime_runtime, host.cpu_realtime_period
    if (runtime or period) and not can.cpu_realtime:
        raise NoRealtime
    if period and runtime and runtime > period:
        raise RuntimeAbovePeriod
    return host


def _cpuset(host: HostConfig, can: Abilities, warnings: list[str]) -> HostConfig:
    if (host.cpuset_cpus or host.cpuset_mems) and not can.cpuset:
        warnings.append(f"{NO_KERNEL.format('cpuset')} Cpuset discarded.")
        return replace(host, cpuset_cpus="", cpuset_mems="")
    for asked, kind, name, there in (
        (host.cpuset_cpus, "cpus", "CPUs", can.cpus),
        (host.cpuset_mems, "mems", "memory nodes", can.mems),
    ):
        wanted = parse_list(asked)
        if wanted is None:
            raise BadCpuset(asked, kind)
        if not wanted <= (parse_list(there) or set()):
            raise CpusetUnavailable(name, asked, there)
    return host


def parse_list(text: str) -> set[int] | None:
    """`0-2,7` as numbers; None if it is something else. man 7 cpuset, "List format"."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else not last)):
            return None
        low, high = int(first), int(last or first)
        if high < low or high > LARGEST_CPU:
            return None
        found.update(range(low, high + 1))
    return found


def _blkio(host: HostConfig, can: Abilities, warnings: list[str]) -> HostConfig:
    if host.blkio_weight and not can.blkio_weight:
        warnings.append(f"{NO_KERNEL.format('Block I/O weight')} Weight discarded.")
        host = replace(host, blkio_weight=0)
    if host.blkio_weight and not 10 <= host.blkio_weight <= 1000:
        raise BadWeight
    if host.blkio_weight_device and not can.blkio_weight_device:
        text = NO_KERNEL.format("Block I/O weight_device")
        warnings.append(f"{text} Weight-device discarded.")
        host = replace(host, blkio_weight_device=[])
    if not can.blkio_throttle:
        warnings += _unthrottled(host)
        host = replace(
            host,
            blkio_device_read_bps=[],
            blkio_device_write_bps=[],
            blkio_device_read_iops=[],
            blkio_device_write_iops=[],
        )
    return host


def _unthrottled(host: HostConfig) -> Iterator[str]:
    for devices, unit, name, way in (
        (host.blkio_device_read_bps, "BPS Block I/O", "Block I/O BPS", "read"),
        (host.blkio_device_write_bps, "BPS Block I/O", "Block I/O BPS", "write"),
        (host.blkio_device_read_iops, "IOPS Block", "Block I/O IOPS", "read"),
        (host.blkio_device_write_iops, "IOPS Block", "Block I/O IOPS", "write"),
    ):
        if devices:
            yield f"{NO_KERNEL.format(f'{unit} {way} limit')} {name} {way} limit discarded."


def _others(host: HostConfig) -> None:
    if host.io_maximum_bandwidth:
        raise NoQos("bandwidth")
    if host.io_maximum_iops:
        raise NoQos("IOPs")
    if not -1000 <= host.oom_score_adj <= 1000:
        raise BadOomScore(host.oom_score_adj)
    if host.shm_size < 0:
        raise BadShmSize
