"""Words of a command line to options, by a table of flags; small, for the start counts.

As callers of runc and crun write them: `--name value`, `--name=value`, `-n value`, `-nvalue`, one
dash for two, `--switch=false`; `--` ends the flags. argparse would cost as much as the start of a
container.
"""

from __future__ import annotations

from lading.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SWITCH, TEXT, NUMBER, SEVERAL = "switch", "text", "number", "several"
FALSE = ("false", "0", "f", "F", "FALSE", "False")


class BadUsage(InvalidArgument):
    """{0}"""


class Flag:
    """One flag with all its names, the first being the one that code asks for."""

    __slots__ = ("help", "kind", "names")

    def __init__(self, kind: str, names: str, help: str = "") -> None:
        self.kind = kind
        self.names = names.split()
        self.help = help


class Options:
    """What a command line said: flags by name, and the words that are none."""

    __slots__ = ("_values", "words")

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}
        self.words: list[str] = []

    def add(self, name: str, value: str) -> None:
        self._values.setdefault(name, []).append(value)

    def switch(self, name: str) -> bool:
        return self._values.get(name, ["false"])[-1] not in FALSE

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, [default])[-1]

    def several(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def has(self, name: str) -> bool:
        return name in self._values

    def number(self, name: str, default: int = 0) -> int:
        text = self.text(name, str(default))
        try:
            return int(text, 0)
        except ValueError:
            raise BadUsage(f'invalid value "{text}" for flag -{name}: not a number') from None


def parse(
    words: list[str], flags: Iterable[Flag], *, stop_after: int | None = None
) -> tuple[Options, list[str]]:
    """Options, and what was not looked at: all from word number `stop_after` on.

    `stop_after` 0 ends at the first word that is no flag (before a verb), 1 after the id of an
    exec: what follows belongs to the program. Raises BadUsage.
    """
    table = {name: flag for flag in flags for name in flag.names}
    options = Options()
    position = 0
    while position < len(words):
        word = words[position]
        if stop_after and len(options.words) >= stop_after:
            return options, words[position:]
        if word == "--":
            options.words += words[position + 1 :]
            return options, []
        if len(word) < 2 or word[0] != "-" or word[1].isdigit():
            if stop_after == 0:
                return options, words[position:]
            options.words.append(word)
            position += 1
            continue
        position += _take(options, table, words, position)
    return options, []


def _take(options: Options, table: dict[str, Flag], words: list[str], position: int) -> int:
    """Read the flag at `position`; how many words it took."""
    word = words[position]
    name, equals, value = word.lstrip("-").partition("=")
    flag = table.get(name)
    if flag is None and not word.startswith("--") and word[1:2] in table:
        flag, equals, value = table[word[1]], "=", word[2:]  # -b/some/where
    if flag is None:
        raise BadUsage(f"flag provided but not defined: -{name}")
    if flag.kind == SWITCH:
        options.add(flag.names[0], value if equals else "true")
        return 1
    if equals:
        options.add(flag.names[0], value)
        return 1
    if position + 1 == len(words):
        raise BadUsage(f"flag needs an argument: -{name}")
    options.add(flag.names[0], words[position + 1])
    return 2


def usage(flags: Iterable[Flag]) -> str:
    """The lines of --help about flags."""
    lines = []
    for flag in flags:
        names = ", ".join(("--" if len(name) > 1 else "-") + name for name in flag.names)
        value = "" if flag.kind == SWITCH else " value"
        lines.append(f"   {names}{value}".ljust(38) + f" {flag.help}".rstrip())
    return "\n".join(lines)
