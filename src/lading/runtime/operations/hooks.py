"""Hooks on the way into a container: those of the parent are asked for, others run here."""

from __future__ import annotations

import os

from lading.runtime import hooks, messages
from lading.runtime.operations.step import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.operations.step import Child
    from lading.runtime.spec import Hook


class AskParent(Operation):
    """The parent runs its hooks, prestart and createRuntime, while all is made but not entered."""

    __slots__ = ()

    def describe(self) -> str:
        return "let the parent run hooks"

    def execute(self, child: Child) -> None:
        messages.send(child.sync, {"ask": "hooks"})
        if not child.sync.recv(1):
            os._exit(1)  # one of them failed


class RunHooks(Operation):
    """Hooks that run in the container's namespaces; with the pid that the container sees."""

    __slots__ = ("hooks", "kind", "state", "status")

    def __init__(self, kind: str, hooks: list[Hook], state: dict[str, Any], status: str) -> None:
        self.kind = kind
        self.hooks = hooks
        self.state = state
        self.status = status

    def describe(self) -> str:
        return f"run {self.kind} hooks " + " ".join(hook["path"] for hook in self.hooks)

    def execute(self, child: Child) -> None:
        state = hooks.encode_state(self.state, os.getpid(), self.status)
        if self.kind == "startContainer":
            hooks.run(self.hooks, self.kind, state, "/", child.environment)
        else:  # where the root is mounted is for nobody to know; it is the working directory
            hooks.run(self.hooks, self.kind, state, f"/proc/self/fd/{child.root}")
