"""The last steps: working directory, environment, descriptors, and the program itself."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is it, wrapped in enums
import errno
import os
import stat

from lading.kernel import process, safepath, tty
from lading.runtime import messages
from lading.runtime.operations.step import STONE_WORD, Operation, StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.operations.step import Child


class CommandNotFound(StepFailed):
    """exec: "{0}": executable file not found in $PATH"""

    def __init__(self, name: str) -> None:
        super().__init__(name, errno.ENOENT)


class CommandMissing(StepFailed):
    """exec: "{0}": stat {0}: no such file or directory"""

    def __init__(self, name: str) -> None:
        super().__init__(name, errno.ENOENT)


class CommandDenied(StepFailed):
    """exec: "{0}": permission denied"""

    def __init__(self, name: str) -> None:
        super().__init__(name, errno.EACCES)


class CommandIsDirectory(StepFailed):
    """exec: "{0}": is a directory"""

    def __init__(self, name: str) -> None:
        super().__init__(name, errno.EACCES)


class SetEnvironment(Operation):
    """The spec's variables; HOME from passwd when there is none; TERM for terminals is not ours."""

    __slots__ = ("variables",)

    def __init__(self, variables: list[str]) -> None:
        self.variables = variables

    def describe(self) -> str:
        return f"set {len(self.variables)} environment variables"

    def execute(self, child: Child) -> None:
        pairs = (variable.partition("=") for variable in self.variables)
        child.environment = {name: value for name, equals, value in pairs if equals and name}
        if not child.environment.get("HOME") and child.identity is not None:
            child.environment["HOME"] = child.identity.home or "/"


class ChangeDirectory(Operation):
    """The working directory, made when it is missing, and proven to be inside the root."""

    __slots__ = ("create", "path")

    def __init__(self, path: str, *, create: bool = True) -> None:
        self.path = path
        self.create = create

    def describe(self) -> str:
        return f"change directory to {self.path}"

    def open(self, child: Child) -> int:
        if self.create:
            return safepath.mkdir_in_root(child.root, self.path)
        return safepath.open_in_root(child.root, self.path, os.O_PATH | os.O_DIRECTORY)

    def execute(self, child: Child) -> None:
        try:
            directory = self.open(child)
            os.fchdir(directory)
        except OSError as error:
            reason = (error.strerror or "").lower()
            message = f'chdir to cwd ("{self.path}") set in config.json failed: {reason}'
            raise StepFailed(message, error.errno or 0) from error
        os.close(directory)
        # a directory of the host, reached over a leaked descriptor, has no path from here
        if not os.getcwd().startswith("/"):
            raise StepFailed("working directory is outside of the container", errno.EXDEV)


class MakeDirectory(Operation):
    """The working directory again, while a root that becomes read-only can still be written."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def describe(self) -> str:
        return f"make directory {self.path}"

    def execute(self, child: Child) -> None:
        os.close(safepath.mkdir_in_root(child.root, self.path))


class SetStdio(Operation):
    """Descriptors 0, 1, 2; the controlling terminal; ownership, so /dev/stdout can be opened."""

    __slots__ = ("terminal",)

    def __init__(self, *, terminal: bool) -> None:
        self.terminal = terminal

    def describe(self) -> str:
        return "stdio from the terminal" if self.terminal else "stdio from the monitor"

    def execute(self, child: Child) -> None:
        assert child.stdio is not None  # given by the monitor or made by OpenTerminal
        for number, descriptor in enumerate(child.stdio):
            os.dup2(descriptor, number, inheritable=True)
        if self.terminal:
            tty.make_controlling(0)
        uid = child.identity.uid if child.identity else 0
        if uid:
            for number in range(3):
                _give(number, uid)


def _give(descriptor: int, uid: int) -> None:
    """Pipes and terminals made for this container become the user's; nothing else does."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISFIFO(mode) or (stat.S_ISCHR(mode) and os.isatty(descriptor)):
        os.fchown(descriptor, uid, -1)


class Report(Operation):
    """Say what was tolerated, and hand out the terminal's master; then seccomp may forbid it."""

    __slots__ = ()

    def describe(self) -> str:
        return "report to the monitor"

    def execute(self, child: Child) -> None:
        fds = [child.master] if child.master >= 0 else []
        messages.send(child.sync, {"warnings": child.warnings}, fds)


class CloseDescriptors(Operation):
    """Everything after stdio (and what was to be kept) closes at execve."""

    __slots__ = ("preserved",)

    def __init__(self, preserved: list[int]) -> None:
        self.preserved = preserved  # those of the caller; no others of these numbers

    def describe(self) -> str:
        kept = f" but {' '.join(map(str, self.preserved))}" if self.preserved else ""
        return f"close descriptors{kept}, reset signals"

    def execute(self, child: Child) -> None:
        process.close_range(3, process.LAST_DESCRIPTOR, process.CLOSE_RANGE_CLOEXEC)
        for number in self.preserved:
            os.set_inheritable(number, True)
        for number in (_signal.SIGPIPE, _signal.SIGHUP, _signal.SIGINT):
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


class FindProgram(Operation):
    """Look the program up, so that a start which cannot succeed fails before it is reported."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def describe(self) -> str:
        return f"find program {self.name}"

    def execute(self, child: Child) -> None:
        child.program = find_program(self.name, child.environment.get("PATH", ""))


class WaitForStart(Operation):
    """A created container stops here until somebody connects to its socket.

    That connection then takes the place of the one to our parent, who may be gone. Meanwhile
    nothing of the host is held open: this may take days.
    """

    __slots__ = ("preserved",)

    def __init__(self, preserved: list[int]) -> None:
        self.preserved = preserved

    def describe(self) -> str:
        return "wait for start"

    def execute(self, child: Child) -> None:
        process.prctl(process.PR_SET_PDEATHSIG, 0)
        first, sync = 3, child.sync.fileno()
        for number in sorted({child.root, child.listener, child.stone, sync, *self.preserved}):
            if number > first:
                process.close_range(first, number - 1)
            first = max(first, number + 1)
        process.close_range(first)
        safepath.forget_procfs()
        messages.send(child.sync, {"created": True})
        child.sync.close()
        listener = messages.adopt(child.listener)
        descriptor, _ = listener._accept()  # type: ignore[attr-defined]
        listener.close()
        child.sync = messages.adopt(descriptor)


class Execute(Operation):
    """Become the program."""

    __slots__ = ("arguments",)

    def __init__(self, arguments: list[str]) -> None:
        self.arguments = arguments

    def describe(self) -> str:
        return "execute " + " ".join(self.arguments)

    def execute(self, child: Child) -> None:
        try:
            if child.stone >= 0:
                words = [STONE_WORD, child.program, *self.arguments]
                os.execve(child.stone, words, child.environment)
            os.execve(child.program, self.arguments, child.environment)
        except OSError as error:
            raise refused(error.errno or 0, child.program, self.arguments[0]) from error


def refused(number: int, path: str, name: str) -> StepFailed:
    """What execve's errno means to whoever asked for the program `name`."""
    if number in (errno.EACCES, errno.EPERM):
        return CommandDenied(name)
    return StepFailed(f"exec {path}: {os.strerror(number).lower()}", number)


def find_program(name: str, path: str) -> str:
    """The file that execve should run; texts of errors are Go's os/exec, which clients match."""
    if "/" in name:
        _check_program(name, name)
        return name
    for directory in path.split(":"):
        candidate = f"{directory or '.'}/{name}"
        try:
            _check_program(candidate, name)
        except StepFailed:
            continue
        return candidate
    raise CommandNotFound(name)


def _check_program(path: str, name: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except PermissionError:
        raise CommandDenied(name) from None
    except OSError:
        raise CommandMissing(name) from None
    if stat.S_ISDIR(mode):
        raise CommandIsDirectory(name)
    if not mode & 0o111:
        raise CommandDenied(name)
