"""Sizes and ages as people read them: `4.26MB`, `3 minutes`. The wording is Docker's (go-units)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def decimal_size(size: float, digits: int = 3) -> str:
    """Thousands: 4260000 is `4.26MB`. Images and layers are shown so."""
    return _scaled(size, 1000.0, _DECIMAL, digits)


def binary_size(size: float, digits: int = 4) -> str:
    """1024s: memory is shown so, `64MiB`."""
    return _scaled(size, 1024.0, _BINARY, digits)


def _scaled(size: float, base: float, units: Sequence[str], digits: int) -> str:
    value = float(size)
    unit = 0
    while value >= base and unit < len(units) - 1:
        value /= base
        unit += 1
    text = f"{value:.{digits}g}"
    # four digits of 1000..1023 KiB in %g would read 1.02e+03
    return (f"{value:.0f}" if "e" in text else text) + units[unit]


def duration(seconds: float) -> str:
    """`About a minute`, `3 weeks`: one unit, never more exact than the eye needs."""
    whole = int(seconds)
    minutes, hours = int(seconds / 60), int(seconds / 3600 + 0.5)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{int(seconds / 3600) // 24 // 365} years"


def ellipsis(text: str, width: int) -> str:
    """At most `width` characters, the last one `…` when some are missing."""
    return text if len(text) <= width else text[: width - 1] + "…"


def short_id(identity: str) -> str:
    """Twelve hex digits, the algorithm's name dropped."""
    return identity.partition(":")[2][:12] if ":" in identity else identity[:12]


def quoted(text: str) -> str:
    """As Go's %q: escapes for what cannot be printed."""
    simple = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a"}
    simple |= {"\b": "\\b", "\f": "\\f", "\v": "\\v"}
    return '"' + "".join(simple.get(letter) or _printable(letter) for letter in text) + '"'


def _printable(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
