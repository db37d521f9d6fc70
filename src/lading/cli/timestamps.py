"""Instants: from the API's text (RFC 3339, nanoseconds), from what users type, to local time."""

from __future__ import annotations

import time

from lading.cli.failures import Failure

ZERO = "0001-01-01T00:00:00Z"  # Go's zero time: "never"


def parse_rfc3339_ns(text: str) -> int:
    """Nanoseconds since the epoch. Raises ValueError. Source: RFC 3339, section 5.6."""
    date, separator, clock = text.partition("T")
    if not separator:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    clock, offset_s = _split_offset(clock)
    whole, _, fraction = clock.partition(".")
    year, month, day = _numbers(date, "-")
    hour, minute, second = _numbers(whole, ":")
    seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
    nanos = int(fraction.ljust(9, "0")[:9]) if fraction else 0
    return (seconds - offset_s) * 1_000_000_000 + nanos


def _split_offset(clock: str) -> tuple[str, int]:
    if clock.endswith(("Z", "z")):
        return clock[:-1], 0
    for position, letter in enumerate(clock):
        if letter in "+-":
            hours, minutes = clock[position + 1 :].split(":")
            seconds = int(hours) * 3600 + int(minutes) * 60
            return clock[:position], seconds if letter == "+" else -seconds
    raise ValueError(f"a time without a zone: {clock!r}")


def _numbers(text: str, separator: str) -> tuple[int, int, int]:
    first, second, third = text.split(separator)
    return int(first), int(second), int(third)


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, Gregorian; years begin in March here, so a leap day is last."""
    year -= month <= 2
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (
        era * 146097
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + day_of_year
        - 719468
    )


def local(seconds: int) -> str:
    """`2026-03-01 12:00:00 +0100 CET`, as Go prints a time."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(seconds))


def local_rfc3339(nanoseconds: int, *, is_whole: bool = False) -> str:
    """`2026-03-01T12:00:00.123456789+01:00`: events are shown so; `is_whole` without fraction."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = time.localtime(seconds)
    offset = time.strftime("%z", moment)
    zone = "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}"
    fraction = "" if is_whole else f".{rest:09d}"
    return time.strftime(f"%Y-%m-%dT%H:%M:%S{fraction}{zone}", moment)


def ansi_c(text: str) -> str:
    """`Tue Sep 15 11:02:57 2026` of an RFC 3339 text; what is none stays."""
    try:
        seconds = parse_rfc3339_ns(text) // 1_000_000_000
    except ValueError:
        return text
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(seconds))


def for_query(text: str, now_ns: int, *, flag: str = "") -> str:
    """What `--since` and `--until` accept, as `seconds.nanos`: `10m` (ago), RFC 3339 with or
    without zone, time or both, or unix seconds. Raises Failure, which names the `flag` if any."""
    if not text or _is_unix(text):
        return text
    if "-" in text[1:] or "T" in text:
        return _unix(_typed_time(text, flag))
    from lading import quantities

    try:
        return _unix(now_ns - quantities.parse_duration_ns(text))
    except Exception as error:
        raise _unreadable(text, flag) from error


def _is_unix(text: str) -> bool:
    whole, dot, fraction = text.partition(".")
    return whole.isdigit() and (not dot or fraction.isdigit())


def _unreadable(text: str, flag: str) -> Failure:
    which = f'invalid value for "{flag}": ' if flag else ""
    return Failure(f'{which}failed to parse value as time or duration: "{text}"')


def _typed_time(text: str, flag: str) -> int:
    try:
        return parse_rfc3339_ns(text)
    except ValueError:
        pass
    for shape in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d"):
        whole, _, fraction = text.partition(".")
        try:
            moment = time.strptime(whole, shape)
        except ValueError:
            continue
        return int(time.mktime(moment)) * 1_000_000_000 + int((fraction or "0").ljust(9, "0")[:9])
    raise _unreadable(text, flag)


def _unix(nanoseconds: int) -> str:
    return f"{nanoseconds // 1_000_000_000}.{nanoseconds % 1_000_000_000:09d}"
