"""`--help`, drawn from the tables, in the shape that Docker's users read every day."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.command import Command
    from lading.cli.flags import Flag


def of_command(command: Command, path: str = "", width: int = 80) -> str:
    """The whole help text of one command; `path` is how it was called, if not by its name."""
    text = f"{usage_line(command, path)}\n\n{command.summary}\n"
    if len(command.aliases) > 1:
        text += "\nAliases:\n  " + ", ".join(f"lading {name}" for name in command.aliases) + "\n"
    shown = [flag for flag in command.flags if not flag.hidden]
    if shown:
        text += "\nOptions:\n" + options(shown, width)
    return text


def usage_line(command: Command, path: str = "") -> str:
    words = ["Usage:  lading", path or command.name, command.usage]
    return " ".join(word for word in words if word)


def options(flags: Sequence[Flag], width: int = 80) -> str:
    """Flags in the order of their names, the texts wrapped in a column of their own."""
    rows = [(_head(flag), flag) for flag in sorted(flags, key=lambda flag: flag.name)]
    column = max(len(head) for head, _ in rows) + 3
    lines = []
    for head, flag in rows:
        first, *rest = wrap(flag.help + _default(flag), max(width - column - 4, 24))
        lines.append(f"{head:<{column}}{first}")
        lines += [" " * column + line for line in rest]
    return "\n".join(lines) + "\n"


def _head(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    return f"  {short}--{flag.name} {flag.kind.word}".rstrip()


def _default(flag: Flag) -> str:
    if flag.default in (None, "", False, 0):
        return ""
    shown = f'"{flag.default}"' if isinstance(flag.default, str) else str(flag.default)
    return f" (default {shown.lower() if flag.default is True else shown})"


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width`, broken at blanks; a longer word stays whole."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def listing(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """A block of names with their summaries."""
    column = max([len(name) for name, _ in rows] + [9]) + 3
    return f"{title}:\n" + "".join(f"  {name:<{column}}{summary}\n" for name, summary in rows)
