"""The monitor's children on their way into the container: birth, report, and death.

clone3 --> child runs its operations --> execve closes its end of the report socket
       <-- {"warnings"} + master of the terminal, when there is something to say
       <-- {"failed"}, when an operation did not succeed
"""

from __future__ import annotations

import os

from lading.kernel import namespaces
from lading.runtime import init, messages
from lading.runtime.loop import IN
from lading.runtime.operations.step import Child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.runtime.loop import Loop
    from lading.runtime.messages import Message
    from lading.runtime.operations.step import Operation


class ContainerProcess:
    """A child of the monitor: init, or an exec. Callbacks come from the event loop, once each.

    `started(process)` after execve; `failed(process)` when a step failed, see `failure`;
    `ended(process)` after it died and was reaped, always last, see `exit_code`.
    """

    __slots__ = (
        "_ended",
        "_failed",
        "_loop",
        "_started",
        "_sync",
        "exit_code",
        "failure",
        "master",
        "pid",
        "pidfd",
        "warnings",
    )

    def __init__(
        self,
        loop: Loop,
        *,
        started: Callable[[ContainerProcess], None],
        failed: Callable[[ContainerProcess], None],
        ended: Callable[[ContainerProcess], None],
    ) -> None:
        self._loop = loop
        self._started = started
        self._failed = failed
        self._ended = ended
        self.failure: Message | None = None
        self.warnings: list[str] = []
        self.master = -1
        self.pid = self.pidfd = self.exit_code = -1

    def spawn(
        self,
        operations: list[Operation],
        *,
        flags: int,
        stdio: tuple[int, int, int] | None,
        tasks: list[int],
        cgroup: int | None,
        seccomp: bytes | None,
    ) -> None:
        """Make the child; its ends of stdio, and tasks, stay the caller's to close."""
        self._sync, end = messages.pair()
        self.pid, self.pidfd = namespaces.clone3(flags, cgroup=cgroup)
        if self.pid == 0:
            child = Child(sync=end, stdio=stdio, tasks=tasks, seccomp=seccomp)
            self._sync.close()
            init.run(child, operations)
        end.close()
        self._loop.register(self._sync.fileno(), IN, self._report)
        self._loop.register(self.pidfd, IN, self._dead)

    def _report(self, _events: int = 0) -> None:
        message, fds = messages.receive(self._sync)
        if message is None:
            self._end_of_report()
        elif "failed" in message:
            self.failure = message["failed"]
        else:
            self.warnings = message["warnings"]
            self.master = fds[0] if fds else -1

    def _end_of_report(self) -> None:
        self._loop.unregister(self._sync.fileno())
        self._sync.close()
        if self.failure is None:
            self._started(self)
        else:
            self._failed(self)

    def _dead(self, _events: int) -> None:
        while self._sync.fileno() >= 0:  # its last words come before its death
            self._report()
        self._loop.unregister(self.pidfd)
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self.exit_code = code if code >= 0 else 128 - code  # a shell's way to name the signal
        self._ended(self)
        os.close(self.pidfd)
