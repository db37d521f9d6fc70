"""Sizes and ages in Docker's words."""

import pytest

from lading.cli import human


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1913, "1.91kB"),
        (4_260_000, "4.26MB"),
        (999_999, "1000kB"),  # not 1e+03kB, as %g would have it
        (1_500_000_000, "1.5GB"),
        (123_456_789_012, "123GB"),
    ],
)
def test_decimal_sizes(size: int, text: str) -> None:
    assert human.decimal_size(size) == text


@pytest.mark.parametrize(
    ("size", "text"), [(64 * 1024**2, "64MiB"), (25_276_000_000, "23.54GiB"), (1023, "1023B")]
)
def test_binary_sizes(size: int, text: str) -> None:
    assert human.binary_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.9, "Less than a second"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (59 * 60, "59 minutes"),
        (3600, "About an hour"),
        (3600 * 1.6, "2 hours"),
        (3600 * 47, "47 hours"),
        (3600 * 48, "2 days"),
        (86400 * 14, "2 weeks"),
        (86400 * 60, "2 months"),
        (86400 * 365 * 2, "2 years"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert human.duration(seconds) == text


def test_long_texts_end_in_an_ellipsis() -> None:
    assert human.ellipsis("abcdef", 6) == "abcdef"
    assert human.ellipsis("abcdefg", 6) == "abcde…"


def test_ids_are_short() -> None:
    assert human.short_id("sha256:" + "ab" * 32) == "ab" * 6
    assert human.short_id("cd" * 32) == "cd" * 6


def test_quoting_is_gos() -> None:
    assert human.quoted('sh -c "a\n\x1b[0m" é\\') == '"sh -c \\"a\\n\\x1b[0m\\" é\\\\"'
