"""How the kernel is to run the process, for the few specs that say so."""

from __future__ import annotations

from lading.kernel import scheduling
from lading.runtime.operations.step import Operation
from lading.runtime.planning.errors import BadSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lading.runtime.operations.step import Child


class SetScheduler(Operation):
    """OCI process.scheduler."""

    __slots__ = ("asked", "flags", "policy")

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.policy = word(scheduling.POLICIES, asked.get("policy") or "", "scheduler policy")
        self.flags = 0
        for flag in asked.get("flags") or []:
            self.flags |= word(scheduling.SCHED_FLAGS, flag, "scheduler flag")

    def describe(self) -> str:
        return f"set scheduler {self.asked['policy']}"

    def execute(self, child: Child) -> None:
        names = ("nice", "priority", "runtime", "deadline", "period")
        fields = {name: int(self.asked.get(name) or 0) for name in names}
        scheduling.sched_setattr(self.policy, flags=self.flags, **fields)


class SetIoPriority(Operation):
    """OCI process.ioPriority."""

    __slots__ = ("name", "priority")

    def __init__(self, asked: dict[str, Any]) -> None:
        self.name = asked.get("class") or ""
        self.priority = int(asked.get("priority") or 0)
        word(scheduling.IO_CLASSES, self.name, "I/O priority class")
        if not 0 <= self.priority <= 7:
            raise BadSpec(f"invalid ioPriority.Priority: {self.priority}")

    def describe(self) -> str:
        return f"set I/O priority {self.name} {self.priority}"

    def execute(self, child: Child) -> None:
        scheduling.ioprio_set(scheduling.IO_CLASSES[self.name], self.priority)


class SetPersonality(Operation):
    """OCI linux.personality."""

    __slots__ = ("domain",)

    def __init__(self, asked: dict[str, Any]) -> None:
        self.domain = asked.get("domain") or ""
        word(scheduling.DOMAINS, self.domain, "personality domain")
        if asked.get("flags"):
            raise BadSpec("personality flags are not supported")

    def describe(self) -> str:
        return f"set personality {self.domain}"

    def execute(self, child: Child) -> None:
        scheduling.personality(scheduling.DOMAINS[self.domain])


class SetMemoryPolicy(Operation):
    """OCI linux.memoryPolicy."""

    __slots__ = ("asked", "mode", "nodes")

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.mode = word(scheduling.MEMORY_MODES, asked.get("mode") or "", "memory policy mode")
        for flag in asked.get("flags") or []:
            self.mode |= word(scheduling.MEMORY_FLAGS, flag, "memory policy flag")
        self.nodes = numbers(asked.get("nodes") or "", "memory policy nodes")

    def describe(self) -> str:
        return f"set memory policy {self.asked['mode']} {self.asked.get('nodes') or ''}".rstrip()

    def execute(self, child: Child) -> None:
        scheduling.set_mempolicy(self.mode, self.nodes)


class SetAffinity(Operation):
    """OCI process.execCPUAffinity: of execs, and of no container's first process."""

    __slots__ = ("cpus", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.cpus = numbers(text, "CPU affinity")

    def describe(self) -> str:
        return f"set CPU affinity {self.text}"

    def execute(self, child: Child) -> None:
        scheduling.set_affinity(self.cpus)


def word(table: dict[str, int], name: str, what: str) -> int:
    """The number of a word. Raises BadSpec."""
    if name not in table:
        raise BadSpec(f"invalid {what}: {name!r}")
    return table[name]


def numbers(text: str, what: str) -> set[int]:
    try:
        return scheduling.parse_list(text)
    except ValueError:
        raise BadSpec(f"invalid {what}: {text!r}") from None
