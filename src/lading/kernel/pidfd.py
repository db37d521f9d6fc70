"""Identity of processes: a pidfd, or pid plus start time; never a bare pid. man 2 pidfd_open."""

import errno
import os
import select

from lading.kernel.c_types import c_int, c_uint, c_void_p
from lading.kernel.syscall import function

SIGKILL = 9  # signal.SIGKILL without the module `signal` and its enums

_pidfd_open = function("pidfd_open", c_int, c_uint)
_pidfd_send_signal = function("pidfd_send_signal", c_int, c_int, c_void_p, c_uint)
_pidfd_getfd = function("pidfd_getfd", c_int, c_int, c_uint)


def pidfd_open(pid: int) -> int:
    """A descriptor of the process; readable in poll once it is dead. Raises ESRCH."""
    try:
        return _pidfd_open(pid, 0)
    except OSError as error:
        if error.errno == errno.EINVAL:  # what older kernels say of one that is just being reaped
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), str(pid)) from error
        raise


def pidfd_send_signal(pidfd: int, signal: int) -> None:
    """Signal exactly that process. Raises ESRCH when it is gone."""
    _pidfd_send_signal(pidfd, signal, None, 0)


def pidfd_getfd(pidfd: int, number: int) -> int:
    """A copy of that process's descriptor `number`. Raises EBADF when it has none; EPERM."""
    return _pidfd_getfd(pidfd, number, 0)


def kill(pidfd: int) -> bool:
    """SIGKILL exactly that process; false when it is gone already."""
    try:
        pidfd_send_signal(pidfd, SIGKILL)
    except ProcessLookupError:
        return False
    return True


def start_time(pid: int) -> int:
    """When the process started, in clock ticks since boot: field 22 of /proc/PID/stat, man 5 proc.

    Raises ProcessLookupError when there is no such process, or when it is a zombie.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()  # the name may hold spaces and ")"
    except (FileNotFoundError, ProcessLookupError):
        fields = []
    if not fields or fields[0] in (b"Z", b"X"):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), str(pid))
    return int(fields[19])


def open_started(pid: int, started: int) -> int:
    """A pidfd of the process with that pid and start time. Raises ProcessLookupError."""
    descriptor = pidfd_open(pid)
    try:
        if start_time(pid) != started:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH), str(pid))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def members(pid: int) -> list[int]:
    """Who is in the pid namespace of a process, as far as we may see: it and all below it.

    For hosts where no cgroup tells. man 7 pid_namespaces.
    """
    try:
        wanted = os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return []
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.readlink(f"/proc/{name}/ns/pid") == wanted:
                    found.append(int(name))
            except OSError:  # gone, or somebody else's
                continue
    return found


def is_dead(pidfd: int) -> bool:
    """Whether the process has ended, reaped or not."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def wait_dead(pidfd: int, timeout_s: float) -> bool:
    """Wait until the process is dead; false when the time is over first."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
