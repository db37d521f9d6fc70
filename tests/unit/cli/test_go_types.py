"""Durations and times as Go prints them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading import quantities
from lading.cli.go_types import Duration, Time
from lading.cli.gotemplate import parse


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (30_000_000_000, "30s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h0m0s"),
        (-1_100_000_000, "-1.1s"),
    ],
)
def test_a_duration_is_printed_as_go_does(nanoseconds: int, text: str) -> None:
    assert str(Duration(nanoseconds)) == text


@given(st.integers(-(10**17), 10**17))
def test_a_printed_duration_reads_back(nanoseconds: int) -> None:
    assert quantities.parse_duration_ns(str(Duration(nanoseconds))) == nanoseconds


def test_a_time_is_printed_and_asked_as_in_go() -> None:
    moment = Time("2026-11-23T23:33:35.284416460Z")
    assert str(moment) == "2026-11-23 23:33:35.28441646 +0000 UTC"
    text = '{{.Unix}} {{.Format "2006-01-02 15:04:05"}} {{.IsZero}}'
    assert parse(text).render(moment) == "1795476815 2026-11-23 23:33:35 False".replace("F", "f")
    assert parse("{{.IsZero}}").render(Time("")) == "true"
    assert str(Time("2026-01-02T03:04:05+01:00")) == "2026-01-02 03:04:05 +0100 +0100"
