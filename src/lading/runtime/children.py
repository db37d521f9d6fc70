"""The monitor's children on their way into the container: birth, report, and death.

clone3 --> child runs its operations --> execve closes its end of the report socket
       <-- when all but the last steps are done, with the master of the terminal if there is one
       <-- {"failed": ...} instead, when an operation did not succeed
"""

from __future__ import annotations

import os
import stat

from lading.kernel import namespaces
from lading.runtime import init, messages
from lading.runtime.loop import IN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

    from lading.runtime.loop import Loop
    from lading.runtime.messages import Message
    from lading.runtime.operations.step import Operation

FAILURE = b'{"failed":'  # how a report of failure begins


class ContainerProcess:
    """A child of the monitor: init, or an exec. Callbacks come from the event loop, once each:
    `reported` after execve or a failed step (see `failure`; `master` is of its terminal), `ended`
    after death. `wait` gets the wait status of a child that is somebody else's.
    """

    __slots__ = (
        "_ended",
        "_loop",
        "_reported",
        "_sync",
        "_wait",
        "exit_code",
        "failure",
        "master",
        "pid",
        "pidfd",
    )

    def __init__(
        self,
        loop: Loop,
        ended: Callable[[ContainerProcess], None],
        *,
        reported: Callable[[ContainerProcess], None] | None = None,
        wait: Callable[[int], int] | None = None,
    ) -> None:
        self._loop = loop
        self._wait = wait or _wait
        self._reported = reported
        self._ended = ended
        self._sync: _socket.socket | None = None
        self.failure: Message | None = None
        self.master = -1
        self.pid = self.pidfd = self.exit_code = -1

    def spawn(
        self,
        prepare: Callable[[], list[Operation]],
        *,
        flags: int,
        stdio: tuple[int, int, int] | None,
        cgroup: int | None,
    ) -> None:
        """Make the child; `prepare` is called in it. The ends of stdio stay the caller's."""
        ours, end = messages.pair()
        self.pid, self.pidfd = namespaces.clone3(flags, cgroup=cgroup)
        if self.pid == 0:
            ours.close()
            init.run(end, stdio, prepare)
        end.close()
        self._sync = ours
        self._loop.register(ours.fileno(), IN, self._hear)
        self._loop.register(self.pidfd, IN, self._dead)

    def adopt(self, pid: int, pidfd: int) -> None:
        """Take over a child that the starter made, and that has said all it has to say."""
        self.pid, self.pidfd = pid, pidfd
        self._loop.register(pidfd, IN, self._dead)

    def _hear(self, _events: int = 0) -> None:
        assert self._sync is not None  # else it would not be in the loop
        data, fds = messages.receive_raw(self._sync)
        if not data:
            self._loop.unregister(self._sync.fileno())
            self._sync.close()
            self._sync = None
            if self._reported is not None:
                self._reported(self)
        elif data.startswith(FAILURE):
            self.failure = messages.decode(data)["failed"]
        else:
            self.master = fds[0] if fds else -1

    def _dead(self, _events: int) -> None:
        while self._sync is not None:  # its last words come before its death
            self._hear()
        self._loop.unregister(self.pidfd)
        code = os.waitstatus_to_exitcode(self._wait(self.pid))
        self.exit_code = code if code >= 0 else 128 - code  # a shell's way to name the signal
        self._ended(self)
        os.close(self.pidfd)


def give_pipe(descriptor: int, owner: list[int]) -> None:
    """Let root of a user namespace open what was made for it, /dev/stdout: pipes, nothing else."""
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.fchown(descriptor, *owner)


def _wait(pid: int) -> int:
    return os.waitpid(pid, 0)[1]
