"""What is known about a command before it runs: the source of parsing, help and completion."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.flags import Flag

ANY = 1 << 30


class Command:
    """One command.

    `usage` is what follows the name in help. `least`, `most` bound the number of arguments.
    `interspersed` False: flags end at the first argument, for what follows belongs to another
    program (`lading run busybox ls -l`). `aliases` are the other ways to say it.
    """

    __slots__ = ("aliases", "flags", "interspersed", "least", "most", "name", "summary", "usage")

    def __init__(
        self,
        name: str,
        usage: str,
        summary: str,
        flags: Sequence[Flag] = (),
        *,
        least: int = 0,
        most: int = ANY,
        interspersed: bool = True,
        aliases: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.usage = usage
        self.summary = summary
        self.flags = flags
        self.least = least
        self.most = most
        self.interspersed = interspersed
        self.aliases = aliases

    def complaint_about(self, count: int) -> str | None:
        """Docker's sentence about a wrong number of arguments; `{}` stands for the command."""
        said = "{}"
        if self.least <= count <= self.most:
            return None
        if self.most == 0:
            return f"{said} accepts no arguments"
        if self.least == self.most:
            return f"{said} requires {_arguments(self.least)}"
        if count < self.least:
            return f"{said} requires at least {_arguments(self.least)}"
        return f"{said} requires at most {_arguments(self.most)}"


def _arguments(count: int) -> str:
    return f"{count} argument" if count == 1 else f"{count} arguments"
