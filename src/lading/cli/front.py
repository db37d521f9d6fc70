"""The parts of the front door that few commands need: global flags, help, wrong names."""

from __future__ import annotations

import sys

from lading.cli import help, index
from lading.cli.command import Command
from lading.cli.failures import USAGE_ERROR, ArgumentError, Failure, FlagError, HelpWanted
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FRONT = Command(
    "",
    "[OPTIONS] COMMAND [ARG...]",
    "A container platform in Python",
    (
        Flag("debug", "D", BOOL, "Enable debug mode", hidden=True),
        Flag("help", "", BOOL, "Print usage", hidden=True),
        Flag("host", "H", STRING, "Engine to connect to (unix:///path or tcp://host:port)"),
        Flag("version", "v", BOOL, "Print version information and quit"),
    ),
    interspersed=False,
)


class GlobalFlags(Arguments):
    debug: bool
    help: bool
    host: str
    version: bool

    code: int | None = None  # the exit code when there is nothing left to do
    rest: list[str]


def read_global_flags(words: Sequence[str]) -> GlobalFlags:
    """The flags before the command; `code` is set when they (or nothing) were all."""
    try:
        flags = parse(words, FRONT, GlobalFlags())
    except HelpWanted:
        flags = parse([], FRONT, GlobalFlags())
        flags.help = True
    flags.rest = flags.words
    if flags.version:
        from lading.version import VERSION

        sys.stdout.write(f"Lading version {VERSION}\n")
        flags.code = 0
    elif flags.help or not flags.rest:
        sys.stdout.write(overview())
        flags.code = 0
    return flags


def overview() -> str:
    """`lading --help`."""
    others = sorted(set(index.TOP) - set(index.COMMON))
    return "\n".join(
        [
            "Usage:  lading [OPTIONS] COMMAND\n",
            f"{FRONT.summary}\n",
            help.listing("Common Commands", _summaries(index.COMMON)),
            help.listing("Management Commands", sorted(index.GROUP_SUMMARIES.items())),
            help.listing("Commands", _summaries(others)),
            "Global Options:\n" + help.options([flag for flag in FRONT.flags if not flag.hidden]),
            "Run 'lading COMMAND --help' for more information on a command.\n",
        ]
    )


def _summaries(names: Iterable[str]) -> list[tuple[str, str]]:
    from lading.cli.dispatch import load

    return [(name, load(index.TOP[name]).COMMAND.summary) for name in names]


def group_help(group: str) -> str:
    from lading.cli.dispatch import load

    members = {
        name: file for name, file in index.GROUPS[group].items() if name not in index.HIDDEN[group]
    }
    rows = [(name, load(file).COMMAND.summary) for name, file in sorted(members.items())]
    return (
        f"Usage:  lading {group} COMMAND\n\n{index.GROUP_SUMMARIES[group]}\n\n"
        + help.listing("Commands", rows)
        + f"\nRun 'lading {group} COMMAND --help' for more information on a command.\n"
    )


def group_or_unknown(name: str, rest: Sequence[str]) -> int:
    """`lading container` alone shows its help; a name that is no command gets a suggestion."""
    if name == "help":
        return _help_about(rest)
    if name not in index.GROUPS:
        raise Failure(_unknown(name, "", [*index.TOP, *index.GROUPS]))
    if not rest or rest[0] in ("--help", "-h"):
        out = sys.stdout if rest else sys.stderr
        out.write(group_help(name))
        return 0
    if rest[0].startswith("-"):
        more = f"Usage:  lading {name}\n\nRun 'lading {name} --help' for more information"
        raise Failure(f"unknown flag: {rest[0].partition('=')[0]}\n\n{more}", USAGE_ERROR)
    raise Failure(_unknown(rest[0], f"{name} ", index.GROUPS[name]))


def _help_about(words: Sequence[str]) -> int:
    from lading.cli.dispatch import load

    if not words:
        sys.stdout.write(overview())
        return 0
    if words[0] in index.TOP:
        raise HelpWanted(load(index.TOP[words[0]]).COMMAND)
    members = index.GROUPS.get(words[0], {})
    if len(words) > 1 and words[1] in members:
        wanted = HelpWanted(load(members[words[1]]).COMMAND)
        wanted.path = f"{words[0]} {words[1]}"
        raise wanted
    if words[0] not in index.GROUPS:
        raise Failure(f"unknown help topic: {' '.join(words)}")
    return group_or_unknown(words[0], ["--help"])


def _unknown(word: str, prefix: str, names: Iterable[str]) -> str:
    text = f"lading: unknown command: lading {prefix}{word}\n"
    close = closest(word, names)
    if close:
        text += "\nDid you mean this?\n" + "".join(f"  lading {prefix}{name}\n" for name in close)
    if prefix:
        text += f"\nUsage:  lading {prefix.rstrip()}\n"
    return text + f"\nRun 'lading {prefix}--help' for more information"


def explain(asked: FlagError | ArgumentError | HelpWanted) -> int:
    """Print what a usage error or `--help` calls for."""
    command = asked.command
    said = f"lading {asked.path or command.name}".rstrip()
    if isinstance(asked, HelpWanted):
        sys.stdout.write(help.of_command(command, asked.path))
        return 0
    usage = help.usage_line(command, asked.path)
    if isinstance(asked, ArgumentError):
        message = asked.message.format(f"'{said}'")
        verb = "See" if "at least" in message else "Run"
        sys.stderr.write(f"lading: {message}\n\n{usage}\n\n")
        sys.stderr.write(f"{verb} '{said} --help' for more information\n")
        return 1
    sys.stderr.write(f"{asked.message}\n")
    if asked.message.startswith("unknown flag: --"):
        close = closest(asked.message[16:], [flag.name for flag in command.flags])
        if close:
            sys.stderr.write("Did you mean " + " or ".join(f"--{name}" for name in close) + "?\n")
    sys.stderr.write(f"\n{usage}\n\nRun '{said} --help' for more information\n")
    return USAGE_ERROR


def closest(word: str, names: Iterable[str]) -> list[str]:
    """Names at most two typing errors away, or that begin with the word; nearest first."""
    scored = [(distance(word, name), name) for name in set(names)]
    return [
        name
        for score, name in sorted(scored)
        if score <= min(2, max(len(name), len(word)) // 2) or (word and name.startswith(word))
    ][:3]


def distance(left: str, right: str) -> int:
    """Letters to insert, drop, change or swap with their neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, previous, row = row, before, [i] + [0] * len(right)
        for j, b in enumerate(right, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                row[j] = min(row[j], previous[j - 2] + 1)
    return row[-1]
