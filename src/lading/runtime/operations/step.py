"""What a step is, and what the steps of one child share while they run."""

from __future__ import annotations

import os

from lading.errors import LadingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from lading.runtime.users import Identity


# what argv begins with for a stepping stone: no script that names it, again and again, can do that
STONE_WORD = "ston"


class StepFailed(LadingError):
    """{0}"""

    # carries the errno of the cause in .errno, so that the engine can choose 126 or 127

    def __init__(self, message: str, errno: int = 0) -> None:
        super().__init__(message)
        self.errno = errno


class Child:
    """State of a process on its way into a container; lives until execve."""

    __slots__ = (
        "environment",
        "identity",
        "listener",
        "master",
        "may_set_groups",
        "program",
        "root",
        "stdio",
        "stone",
        "sync",
        "warnings",
    )

    def __init__(
        self,
        *,
        sync: _socket.socket,
        stdio: tuple[int, int, int] | None,
    ) -> None:
        self.sync = sync  # to the monitor; closed by execve, which is how it learns of success
        self.stdio = stdio  # None: a terminal will be made
        self.root = -1  # the container's root, once mounted
        self.master = -1  # of the terminal, to be handed to the monitor
        self.program = ""  # the file that execve will run
        self.may_set_groups = True
        self.stone = -1  # what executes the program in our place, see stepping_stone
        self.listener = -1  # where a gated child waits for its start, see WaitForStart
        self.identity: Identity | None = None
        self.environment: dict[str, str] = {}
        self.warnings: list[str] = []

    def take_root(self, descriptor: int) -> None:
        if self.root >= 0:
            os.close(self.root)
        self.root = descriptor


class Operation:
    """One step. Subclasses keep what they need in slots and nothing else."""

    __slots__ = ()

    def describe(self) -> str:
        raise NotImplementedError

    def execute(self, child: Child) -> None:
        raise NotImplementedError
