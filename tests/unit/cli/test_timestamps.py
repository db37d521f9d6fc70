"""Instants are read to the nanosecond."""

from __future__ import annotations

import datetime
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.cli import timestamps
from lading.cli.failures import Failure


@given(st.datetimes(timezones=st.timezones()))
def test_rfc3339_is_read_as_the_library_does(moment: datetime.datetime) -> None:
    if (moment.utcoffset() or datetime.timedelta()).seconds % 60:
        return  # local mean times have offsets with seconds, RFC 3339 has none
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    expected = (moment - epoch) // datetime.timedelta(microseconds=1) * 1000
    assert timestamps.parse_rfc3339_ns(moment.isoformat()) == expected


def test_nanoseconds_are_kept() -> None:
    assert timestamps.parse_rfc3339_ns("1970-01-01T00:00:01.000000007Z") == 1_000_000_007


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00"])
def test_what_has_no_zone_or_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        timestamps.parse_rfc3339_ns(text)


@pytest.fixture
def paris(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("paris")
def test_local_times_are_printed_as_go_does() -> None:
    assert timestamps.local(1_700_000_000) == "2023-11-14 23:13:20 +0100 CET"
    assert timestamps.local_rfc3339(1_700_000_000_000_000_001) == (
        "2023-11-14T23:13:20.000000001+01:00"
    )


NOW_NS = 1_000_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("1700000000", "1700000000"),
        ("1700000000.5", "1700000000.5"),
        ("10m", "999999400.000000000"),
        ("2023-11-14T22:13:20Z", "1700000000.000000000"),
        ("2023-11-14T22:13:20.5+00:00", "1700000000.500000000"),
    ],
)
def test_what_users_type_becomes_unix_time(text: str, expected: str) -> None:
    assert timestamps.for_query(text, NOW_NS) == expected


@pytest.mark.usefixtures("paris")
def test_a_time_without_a_zone_is_local() -> None:
    assert timestamps.for_query("2023-11-14T23:13:20", NOW_NS) == "1700000000.000000000"
    assert timestamps.for_query("2023-11-14", NOW_NS) == "1699916400.000000000"


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "10 parsecs"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(Failure, match="failed to parse value as time or duration"):
        timestamps.for_query(text, NOW_NS)
