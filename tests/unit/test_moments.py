"""Moments as people write them."""

import pytest

from lading.moments import InvalidMoment, parse_ns

NOW = 1_800_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10m", NOW - 600_000_000_000),
        ("1h30m", NOW - 5_400_000_000_000),
        ("0", 0),
        ("1700000000", 1_700_000_000_000_000_000),
        ("1700000000.5", 1_700_000_000_500_000_000),
        ("1700000000.000000001", 1_700_000_000_000_000_001),
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01", 1_000_000_000),
        ("1970-01-01T01:00:01+01:00", 1_000_000_000),
        ("1970-01-01T00:00:01.123456789Z", 1_123_456_000),
        ("1970-01-02", 86_400_000_000_000),
    ],
)
def test_a_moment_is_read(text: str, moment: int) -> None:
    assert parse_ns(text, now_ns=NOW) == moment


@pytest.mark.parametrize("text", ["", "x", "10 m", "1700000000.x", "2026-13-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidMoment, match="failed to parse value as time or duration"):
        parse_ns(text, now_ns=NOW)
