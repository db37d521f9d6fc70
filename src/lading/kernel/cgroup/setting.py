"""One value for one file of a group, and the loop that writes them: the same for v1 and v2.

What differs between kernels is said by the setting, not by the loop: another file where this one
is missing, or that nothing is lost without it. Error texts are runc's, which callers look for.
"""

from __future__ import annotations

import errno
import os

from lading.errors import InvalidArgument, NotSupported
from lading.kernel.cgroup.hierarchy import read_text

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


REALTIME = "cpu.rt_runtime_us"


class LimitUnavailable(NotSupported):
    """cannot set {0}: the cgroup controller {1} or its file is missing on this host"""


class ControllerMissing(LimitUnavailable):
    """cannot set {1} limit: container could not join or create cgroup"""


class LimitRefused(InvalidArgument):
    """failed to write "{1}": write {0}: {2}"""


class MemoryInUse(LimitRefused):
    """unable to set memory limit to {0} (current usage: {1}, peak usage: {2})"""


class Setting:
    """A value for a file; the word before the file's first dot is its controller.

    `otherwise` is the setting for kernels without the file. With `is_optional` a missing file is
    passed over, and `ignored`, a sentence, is told. With `depends` the kernel may refuse the value
    (EINVAL) until others of the list are written: it is tried again after them.
    """

    __slots__ = ("depends", "file", "ignored", "is_optional", "otherwise", "value")

    def __init__(
        self,
        file: str,
        value: object,
        *,
        otherwise: Setting | None = None,
        is_optional: bool = False,
        ignored: str = "",
        depends: bool = False,
    ) -> None:
        self.file = file
        self.value = str(value)
        self.otherwise = otherwise
        self.is_optional = is_optional or bool(ignored)
        self.ignored = ignored
        self.depends = depends

    def __str__(self) -> str:
        return f"{self.file}={self.value}"

    @property
    def controller(self) -> str:
        return self.file.partition(".")[0]


def apply(settings: Iterable[Setting], directory: Callable[[str], str]) -> list[str]:
    """Write them in order; returns the sentences of those that were ignored.

    `directory` tells the group's directory for a controller, or raises ControllerMissing.
    Raises LimitUnavailable, LimitRefused; what was written before stays.
    """
    ignored, postponed = [], []
    for setting in settings:
        try:
            ignored += _set(setting, directory)
        except LimitRefused as error:
            if not setting.depends or _number(error) != errno.EINVAL:
                raise
            postponed.append(setting)
    for setting in postponed:
        ignored += _set(setting, directory)
    return ignored


def write(path: str, value: str) -> None:
    """Write one file of a group. Raises OSError as the kernel answers."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def write_all(path: str, values: list[str]) -> None:
    """Write several values to one file, one system call each. Raises LimitRefused."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    value = ""
    try:
        for value in values:
            os.write(descriptor, value.encode())
    except OSError as error:
        raise refused(path, value, error) from error
    finally:
        os.close(descriptor)


def refused(path: str, value: str, error: OSError) -> LimitRefused:
    """The kernel's word; with the figures for memory in use (EBUSY) and a parent's real time."""
    directory, _, file = path.rpartition("/")
    if error.errno == errno.EBUSY and file == "memory.limit_in_bytes":
        usage = read_text(f"{directory}/memory.usage_in_bytes").strip()
        peak = read_text(f"{directory}/memory.max_usage_in_bytes").strip()
        return MemoryInUse(value, usage, peak)
    reason = os.strerror(error.errno or 0)
    reason = reason[:1].lower() + reason[1:]
    if error.errno == errno.EINVAL and file == REALTIME:
        above = read_text(f"{os.path.dirname(directory)}/{file}").strip()
        reason += f" (the group above has {above} us in all)"
    return LimitRefused(path, value, reason)


def _set(setting: Setting, directory: Callable[[str], str]) -> list[str]:
    if "/" in setting.file:  # names of files come with page sizes
        raise LimitUnavailable(setting.file, setting.controller)
    path = f"{directory(setting.controller)}/{setting.file}"
    try:
        write(path, setting.value)
    except OSError as error:
        does_nothing = error.errno == errno.EOPNOTSUPP and bool(setting.ignored)
        if error.errno != errno.ENOENT and not does_nothing:
            raise refused(path, setting.value, error) from error
        if setting.otherwise is not None:
            return _set(setting.otherwise, directory)
        if not setting.is_optional:
            raise LimitUnavailable(setting.file, setting.controller) from None
        return [setting.ignored] if setting.ignored else []
    return []


def _number(error: LimitRefused) -> int | None:
    return error.__cause__.errno if isinstance(error.__cause__, OSError) else None
