"""Durations and times as Go prints them."""

from __future__ import annotations

from lading.cli import timestamps
from lading.cli.gotemplate.errors import CallProblem, NoSuchField
from lading.cli.gotemplate.values import Object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = ((3_600_000_000_000, "h"), (60_000_000_000, "m"))
_SMALL = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))
_GO_ZERO_S = -62_135_596_800  # 0001-01-01 in Unix seconds


class Duration(int):
    """Nanoseconds that print as `1h30m0s`."""

    def __str__(self) -> str:
        rest = abs(int(self))
        if not rest:
            return "0s"
        sign = "-" if self < 0 else ""
        if rest < 1_000_000_000:
            size, unit = next(pair for pair in _SMALL if rest >= pair[0])
            return f"{sign}{_decimal(rest, size)}{unit}"
        text = sign
        for size, unit in _UNITS:
            if rest >= size or text != sign:
                text += f"{rest // size}{unit}"
                rest %= size
        return f"{text}{_decimal(rest, 1_000_000_000)}s"


def _decimal(value: int, unit: int) -> str:
    """`value / unit` exactly, without zeros at the end."""
    whole, rest = divmod(value, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


class Time(Object):
    """An RFC 3339 text that prints as Go's time.Time does; the methods that templates use."""

    go_type = "time.Time"

    def __init__(self, text: str) -> None:
        self.text = text or timestamps.ZERO

    def _unix_ns(self) -> int:
        try:
            return timestamps.parse_rfc3339_ns(self.text)
        except ValueError:
            return _GO_ZERO_S * 1_000_000_000

    def __str__(self) -> str:
        date, _, clock = self.text.partition("T")
        if clock.endswith("Z"):
            return f"{date} {_trimmed(clock[:-1])} +0000 UTC"
        sign = max(clock.rfind("+"), clock.rfind("-"))
        zone = clock[sign:].replace(":", "")
        return f"{date} {_trimmed(clock[:sign])} {zone} {zone}"

    def look_up(self, name: str, arguments: Sequence[object] | None) -> object:
        numbers = {"Unix": 1_000_000_000, "UnixMilli": 1_000_000, "UnixMicro": 1_000, "UnixNano": 1}
        if name in numbers:
            return self._unix_ns() // numbers[name]
        if name == "IsZero":
            return self._unix_ns() == _GO_ZERO_S * 1_000_000_000
        if name in ("String", "UTC", "Local"):
            return str(self) if name == "String" else self
        if name == "Format":
            if not arguments or len(arguments) != 1 or not isinstance(arguments[0], str):
                raise CallProblem("wrong number of args for Format: want 1 got 0")
            return self._format(arguments[0])
        raise NoSuchField(name)

    def _format(self, layout: str) -> str:
        """By Go's reference time, 2006-01-02 15:04:05."""
        import time

        moment = time.gmtime(self._unix_ns() // 1_000_000_000)
        for word, code in _LAYOUT:
            layout = layout.replace(word, f"\0{code}")
        layout = layout.replace("%", "%%").replace("\0", "%")
        return time.strftime(layout, moment)

    def to_json(self) -> object:
        return self.text


# Words of Go's reference time, the longer before the shorter, and what strftime calls them.
_LAYOUT = (
    ("2006", "Y"),
    ("January", "B"),
    ("Monday", "A"),
    ("Jan", "b"),
    ("Mon", "a"),
    ("MST", "Z"),
    ("Z07:00", "Z"),
    ("-0700", "z"),
    ("01", "m"),
    ("02", "d"),
    ("15", "H"),
    ("03", "I"),
    ("04", "M"),
    ("05", "S"),
    ("06", "y"),
    ("PM", "p"),
)


def _trimmed(clock: str) -> str:
    whole, _, fraction = clock.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
