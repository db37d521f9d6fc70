"""Flags: what a command's table is made of, and how the text of a value becomes the value.

A kind says how one text is read. Its `convert(text, previous)` returns the new value of the flag
(a list kind appends), or raises ValueError with the words that follow Docker's
`invalid argument "x" for "--flag" flag: `.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Kind:
    """`word` is shown in help; `bare` is the text that the flag without a value stands for."""

    __slots__ = ("bare", "convert", "fresh", "word")

    def __init__(
        self,
        word: str,
        convert: Callable[[str, object], object],
        fresh: Callable[[], object],
        bare: str | None = None,
    ) -> None:
        self.word = word
        self.convert = convert
        self.fresh = fresh
        self.bare = bare


class Flag:
    """One flag: `--name`, `-short`. A `hidden` one works but is not in help; `also` are old names.

    The value lands in the attribute `destination` of the command's arguments.
    """

    __slots__ = ("also", "default", "destination", "help", "hidden", "kind", "name", "short")

    def __init__(
        self,
        name: str,
        short: str,
        kind: Kind,
        help: str,
        *,
        default: object = None,
        also: tuple[str, ...] = (),
        hidden: bool = False,
    ) -> None:
        self.name = name
        self.short = short
        self.kind = kind
        self.help = help
        self.default = default
        self.also = also
        self.hidden = hidden
        # `from` is a word of Python
        self.destination = "from_" if name == "from" else name.replace("-", "_")

    def initial(self) -> object:
        return self.kind.fresh() if self.default is None else self.default

    def spelled(self) -> str:
        """`-m, --memory`, as Docker quotes a flag in messages."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


def _boolean(text: str, previous: object) -> bool:
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def _integer(text: str, previous: object) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": value out of range')
    return value


def _string(text: str, previous: object) -> str:
    return text


def _append(text: str, previous: object) -> list[str]:
    assert isinstance(previous, list)
    return [*previous, text]


def _put(text: str, previous: object) -> dict[str, str]:
    assert isinstance(previous, dict)
    key, _, value = text.partition("=")
    return {**previous, key: value}


def _bytes(text: str, previous: object) -> int:
    from lading import quantities

    return quantities.parse_bytes(text)


def _swap(text: str, previous: object) -> int:
    from lading import quantities

    return quantities.parse_memory(text)


def _cpus(text: str, previous: object) -> int:
    from lading import quantities

    return quantities.parse_nano_cpus(text)


def _duration(text: str, previous: object) -> int:
    from lading import quantities

    return quantities.parse_duration_ns(text)


def _filter(text: str, previous: object) -> dict[str, list[str]]:
    assert isinstance(previous, dict)
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError("bad format of filter (expected name=value)")
    key = key.strip().lower()
    return {**previous, key: [*previous.get(key, []), value.strip()]}


BOOL = Kind("", _boolean, bool, bare="true")
INT = Kind("int", _integer, int)
STRING = Kind("string", _string, str)
LIST = Kind("list", _append, list)
STRINGS = Kind("strings", _append, list)
MAP = Kind("map", _put, dict)
BYTES = Kind("bytes", _bytes, int)
SWAP = Kind("bytes", _swap, int)
CPUS = Kind("decimal", _cpus, int)  # billionths of a CPU
DURATION = Kind("duration", _duration, int)  # nanoseconds
FILTER = Kind("filter", _filter, dict)


def parsed_list(word: str, parse: Callable[[str], object]) -> Kind:
    """A list of what `parse` makes of each text; `parse` raises ValueError."""

    def convert(text: str, previous: object) -> list[object]:
        assert isinstance(previous, list)
        return [*previous, parse(text)]

    return Kind(word, convert, list)
