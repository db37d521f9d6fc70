"""Quantities as people write them: "64m" bytes, "1h30m", half a CPU; and back again for display.

Every number enters through here once; inside, units are in the names (`memory_bytes`). The rules
are those of Docker's command line and of Go, whose forms people know: sizes count in 1024 whatever
the suffix's spelling (go-units RAMInBytes), durations are Go's (time.ParseDuration).
Loaded in the thin command line, so it imports nothing heavy.
"""

from __future__ import annotations

from lading.errors import InvalidArgument

NANO_CPUS = 1_000_000_000  # HostConfig.NanoCpus of one CPU

_BINARY = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_NUMBER = "0123456789."
_MAX_INT64 = (1 << 63) - 1


class InvalidSize(InvalidArgument):
    """invalid size: '{0}'"""


class InvalidSuffix(InvalidArgument):
    """invalid suffix: '{0}'"""


class InvalidNumber(InvalidArgument):
    """strconv.ParseFloat: parsing "{0}": invalid syntax"""


class InvalidDuration(InvalidArgument):
    """time: invalid duration "{0}\""""


class MissingUnit(InvalidArgument):
    """time: missing unit in duration "{0}\""""


class UnknownUnit(InvalidArgument):
    """time: unknown unit "{0}" in duration "{1}\""""


class InvalidCpus(InvalidArgument):
    """failed to parse {0} as a rational number"""


class TooPreciseCpus(InvalidArgument):
    """value is too precise"""


def parse_bytes(text: str) -> int:
    """`64m`, `1.5g`, `512`, `10KB`, `2 GiB` in bytes; suffixes in any case.

    Raises InvalidSize, InvalidNumber, InvalidSuffix with the words of Docker's command line.
    """
    end = max(text.rfind(letter) for letter in "0123456789. ")
    if end < 0:
        raise InvalidSize(text)
    number, suffix = text[: end + 1].removesuffix(" "), text[end + 1 :].lower()
    try:
        numerator, denominator = parse_decimal(number.removeprefix("-"))
    except ValueError:
        raise InvalidNumber(number) from None
    if number.startswith("-") and numerator:
        raise InvalidSize(text)
    if suffix[1:] not in ("", "b", "ib") or suffix[:1] not in _BINARY or suffix in ("bb", "bib"):
        raise InvalidSuffix(suffix)
    size = (numerator << _BINARY[suffix[:1]]) // denominator
    if size > _MAX_INT64:
        raise InvalidSize(text)
    return size


def parse_memory(text: str) -> int:
    """A size, or -1 for unlimited (--memory-swap). Raises as `parse_bytes`."""
    return -1 if text == "-1" else parse_bytes(text)


def parse_decimal(text: str) -> tuple[int, int]:
    """An unsigned decimal such as `1.5` or `.5` as an exact fraction, not reduced: (15, 10).

    Raises ValueError for anything else: signs, exponents, digits of other scripts.
    """
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    if not digits or not (digits.isascii() and digits.isdigit()):
        raise ValueError(text)
    return int(digits), 10 ** len(fraction)


def parse_duration_ns(text: str) -> int:
    """`1h30m`, `1.5s`, `-300ms`, `0` in nanoseconds, as Go reads it.

    Raises InvalidDuration, MissingUnit, UnknownUnit.
    """
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest:
        raise InvalidDuration(text)
    total = 0
    while rest:
        number = _leading(rest, _NUMBER)
        unit = _until(rest[len(number) :], _NUMBER)
        rest = rest[len(number) + len(unit) :]
        total += _duration_part(number, unit, text)
    if total > _MAX_INT64:
        raise InvalidDuration(text)
    return -total if text.startswith("-") else total


def _duration_part(number: str, unit: str, text: str) -> int:
    try:
        numerator, denominator = parse_decimal(number)
    except ValueError:
        raise InvalidDuration(text) from None
    if not unit:
        raise MissingUnit(text)
    if unit not in _NANOSECONDS:
        raise UnknownUnit(unit, text)
    return numerator * _NANOSECONDS[unit] // denominator


def parse_duration_s(text: str) -> float:
    """A duration in seconds."""
    return parse_duration_ns(text) / 1_000_000_000


def format_duration_ns(duration: int) -> str:
    """A duration as Go writes it: `1h0m30s`, `1.5s`, `200ms`."""
    if duration < 1_000_000_000:
        for unit in ("ms", "µs"):
            if duration >= _NANOSECONDS[unit]:
                return _trimmed(duration, _NANOSECONDS[unit]) + unit
        return f"{duration}ns" if duration else "0s"
    minutes, rest = divmod(duration, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if hours or minutes else ""
    return text + _trimmed(rest, 1_000_000_000) + "s"


def _trimmed(number: int, unit: int) -> str:
    whole, fraction = divmod(number, unit)
    digits = str(fraction).zfill(len(str(unit)) - 1).rstrip("0") if fraction else ""
    return f"{whole}.{digits}" if digits else str(whole)


def parse_nano_cpus(text: str) -> int:
    """--cpus `1.5` as 1500000000. Raises InvalidCpus, TooPreciseCpus (beyond nanocpus)."""
    try:
        numerator, denominator = parse_decimal(text)
    except ValueError:
        raise InvalidCpus(text) from None
    nano, remainder = divmod(numerator * NANO_CPUS, denominator)
    if remainder:
        raise TooPreciseCpus()
    return nano


def format_bytes(size: float) -> str:
    """Decimal units with four significant digits, as `docker images` shows: 4.491MB, 0B."""
    return _scaled(size, 1000.0, ("B", "kB", "MB", "GB", "TB", "PB", "EB"), 4)


def format_bytes_binary(size: float) -> str:
    """Binary units with four significant digits, as `docker stats` shows: 64MiB, 1.5GiB."""
    return _scaled(size, 1024.0, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"), 4)


def format_bytes_3(size: float) -> str:
    """Decimal units with three significant digits, as `docker ps -s` shows: 12.3kB."""
    return _scaled(size, 1000.0, ("B", "kB", "MB", "GB", "TB", "PB", "EB"), 3)


def format_age(seconds: float) -> str:
    """How long ago or for how long, as `docker ps` says it: `About a minute`, `3 hours`."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    minutes = whole // 60
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    hours = int(seconds / 3600 + 0.5)
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
    return f"{whole // 3600 // 24 // 365} years"


def _scaled(size: float, base: float, units: tuple[str, ...], digits: int) -> str:
    step = 0
    while size >= base and step < len(units) - 1:
        size /= base
        step += 1
    return f"{size:.{digits}g}{units[step]}"


def _leading(text: str, allowed: str) -> str:
    return text[: len(text) - len(text.lstrip(allowed))]


def _until(text: str, stop: str) -> str:
    for position, letter in enumerate(text):
        if letter in stop:
            return text[:position]
    return text
