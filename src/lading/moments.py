"""Moments as people write them: a duration ago, a unix time, a date. Nanoseconds since 1970."""

import re
from datetime import UTC, datetime

from lading.errors import InvalidArgument
from lading.quantities import parse_duration_ns


class InvalidMoment(InvalidArgument):
    """failed to parse value as time or duration: "{0}\""""


def parse_ns(text: str, *, now_ns: int) -> int:
    """`10m` (so long ago), `1700000000.5`, `2026-01-31T12:00:00Z`, as dockerd reads `until`.

    A date without a zone is UTC. Raises InvalidMoment.
    """
    seconds, _, fraction = text.partition(".")
    if seconds.isdecimal() and (fraction or "0").isdecimal():
        return int(seconds) * 1_000_000_000 + int((fraction + "0" * 9)[:9])
    try:
        return now_ns - parse_duration_ns(text)
    except InvalidArgument:
        pass  # a date, then
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        raise InvalidMoment(text) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000) * 1000
