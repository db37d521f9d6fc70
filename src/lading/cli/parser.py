"""Reads words with a command's flags, by pflag's rules: `-it`, `-m64m`, `-m 64m`, `-m=64m`,
`--x=v`, `--x v`, `--bool=false`, `--` ends flags, no abbreviations.

`parse(words, COMMAND, into=PsArguments())` fills the attributes of `into`: one per flag, `words`
(the arguments), `given` (names of the flags that were typed).
"""

from __future__ import annotations

from lading.cli.failures import ArgumentError, FlagError, HelpWanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    from lading.cli.command import Command
    from lading.cli.flags import Flag

    A = TypeVar("A", bound="Arguments")


class Arguments:
    """What was typed. A command's subclass annotates an attribute for each flag of its table."""

    words: list[str]
    given: set[str]


def parse(words: Sequence[str], command: Command, into: A) -> A:
    """Fill `into`. Raises FlagError, ArgumentError, HelpWanted."""
    into.words = []
    into.given = set()
    for flag in command.flags:
        setattr(into, flag.destination, flag.initial())
    _Reader(words, command, into).read()
    complaint = command.complaint_about(len(into.words))
    if complaint:
        raise ArgumentError(complaint, command)
    return into


class _Reader:
    def __init__(self, words: Sequence[str], command: Command, into: Arguments) -> None:
        self._words = words
        self._position = 0
        self._command = command
        self._into = into
        self._by_name: dict[str, Flag] = {}
        self._by_short: dict[str, Flag] = {}
        for flag in command.flags:
            self._by_name[flag.name] = flag
            for name in flag.also:
                self._by_name[name] = flag
            if flag.short:
                self._by_short[flag.short] = flag

    def read(self) -> None:
        arguments = self._into.words
        while self._position < len(self._words):
            word = self._next()
            if word == "--":
                arguments.extend(self._words[self._position :])
                return
            if word.startswith("--"):
                self._long(word)
            elif word.startswith("-") and word != "-":
                self._bundle(word)
            elif self._command.interspersed:
                arguments.append(word)
            else:
                arguments.extend(self._words[self._position - 1 :])
                return

    def _next(self) -> str:
        self._position += 1
        return self._words[self._position - 1]

    def _long(self, word: str) -> None:
        name, equals, value = word[2:].partition("=")
        flag = self._by_name.get(name)
        if flag is None:
            if name == "help" and value in ("false", "0", "f", "F", "FALSE", "False"):
                return
            if name == "help":
                raise HelpWanted(self._command)
            raise self._error(f"unknown flag: --{name}" if name else f"bad flag syntax: {word}")
        if equals:
            self._set(flag, value)
        elif flag.kind.bare is not None:
            self._set(flag, flag.kind.bare)
        elif self._position < len(self._words):
            self._set(flag, self._next())
        else:
            raise self._error(f"flag needs an argument: --{name}")

    def _bundle(self, word: str) -> None:
        """`-itm64m`: letters of flags without a value, then at most one with it."""
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self._by_short.get(letter)
            if flag is None:
                if letter == "h":
                    raise HelpWanted(self._command)
                raise self._error(f"unknown shorthand flag: '{letter}' in {word}")
            if letters.startswith("="):
                self._set(flag, letters[1:])
                return
            if flag.kind.bare is not None:
                self._set(flag, flag.kind.bare)
                continue
            if not letters and self._position >= len(self._words):
                raise self._error(f"flag needs an argument: '{letter}' in {word}")
            self._set(flag, letters or self._next())
            return

    def _set(self, flag: Flag, text: str) -> None:
        previous = getattr(self._into, flag.destination)
        if flag.name not in self._into.given and flag.default is not None:
            previous = flag.kind.fresh()  # a list given replaces a default list
        try:
            value = flag.kind.convert(text, previous)
        except Exception as error:
            if not _is_about_the_text(error):
                raise
            raise self._error(
                f'invalid argument "{text}" for "{flag.spelled()}" flag: {error}'
            ) from None
        setattr(self._into, flag.destination, value)
        self._into.given.add(flag.name)

    def _error(self, message: str) -> FlagError:
        return FlagError(message, self._command)


def _is_about_the_text(error: Exception) -> bool:
    """A kind's ValueError, or InvalidArgument of the rooms that know quantities and names."""
    return isinstance(error, ValueError) or getattr(error, "status", 0) == 400
