"""Sizes, durations and CPUs are read as Docker's command line reads them."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading import quantities
from lading.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("64b", 64),
        ("64k", 64 << 10),
        ("64m", 64 << 20),
        ("64M", 64 << 20),
        ("64mb", 64 << 20),
        ("64MiB", 64 << 20),
        ("64 m", 64 << 20),
        ("1.5g", 3 << 29),
        (".5k", 512),
        ("0.1g", 107374182),
        ("2t", 2 << 40),
        ("1P", 1 << 50),
        ("-0", 0),
    ],
)
def test_sizes_count_in_1024(text: str, size: int) -> None:
    assert quantities.parse_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid size: ''"),
        ("abc", "invalid size: 'abc'"),
        ("-5", "invalid size: '-5'"),
        ("99999999p", "invalid size: '99999999p'"),
        ("64x", "invalid suffix: 'x'"),
        ("5ib", "invalid suffix: 'ib'"),
        ("5bb", "invalid suffix: 'bb'"),
        ("10mbbb", "invalid suffix: 'mbbb'"),
        ("1..5m", 'strconv.ParseFloat: parsing "1..5": invalid syntax'),
        ("\u0661m", "invalid size: '\u0661m'"),
    ],
)
def test_bad_sizes_say_what_docker_says(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        quantities.parse_bytes(text)
    assert str(caught.value) == message


def test_unlimited_memory_is_minus_one() -> None:
    assert quantities.parse_memory("-1") == -1
    assert quantities.parse_memory("1k") == 1024


@given(st.integers(0, 1 << 40), st.sampled_from(["", "b", "k", "m", "kb", "MiB"]))
def test_whole_sizes_are_exact(number: int, suffix: str) -> None:
    factor = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "kb": 1 << 10, "MiB": 1 << 20}[suffix]
    assert quantities.parse_bytes(f"{number}{suffix}") == number * factor


SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("30s", 30 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("1.5s", 3 * SECOND // 2),
        (".5m", 30 * SECOND),
        ("-300ms", -300_000_000),
        ("+5us", 5000),
        ("2µs", 2000),
        ("1h2m3s4ms5us6ns", 3723 * SECOND + 4_005_006),
        ("1s1h", 3601 * SECOND),
    ],
)
def test_durations_are_gos(text: str, nanoseconds: int) -> None:
    assert quantities.parse_duration_ns(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("abc", 'time: invalid duration "abc"'),
        (".s", 'time: invalid duration ".s"'),
        ("1.2.3s", 'time: invalid duration "1.2.3s"'),
        ("10", 'time: missing unit in duration "10"'),
        ("1h10", 'time: missing unit in duration "1h10"'),
        ("5x", 'time: unknown unit "x" in duration "5x"'),
        ("1h-5m", 'time: unknown unit "h-" in duration "1h-5m"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
    ],
)
def test_bad_durations_say_what_go_says(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        quantities.parse_duration_ns(text)
    assert str(caught.value) == message


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_an_invalid_argument(text: str) -> None:
    for parse in (quantities.parse_duration_ns, quantities.parse_bytes):
        try:
            number = parse(text)
        except InvalidArgument:
            continue
        assert isinstance(number, int)


@pytest.mark.parametrize(
    ("text", "nano_cpus"), [("1.5", 1_500_000_000), (".05", 50_000_000), ("2", 2_000_000_000)]
)
def test_cpus_are_read_as_billionths(text: str, nano_cpus: int) -> None:
    assert quantities.parse_nano_cpus(text) == nano_cpus


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "failed to parse abc as a rational number"),
        ("1.0000000001", "value is too precise"),
    ],
)
def test_bad_cpus_say_what_docker_says(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        quantities.parse_nano_cpus(text)


@pytest.mark.parametrize(
    ("size", "decimal", "binary"),
    [
        (0, "0B", "0B"),
        (999, "999B", "999B"),
        (4_491_000, "4.491MB", "4.283MiB"),
        (64 << 20, "67.11MB", "64MiB"),
        (1_610_612_736, "1.611GB", "1.5GiB"),
    ],
)
def test_sizes_are_shown_with_four_digits(size: int, decimal: str, binary: str) -> None:
    assert quantities.format_bytes(size) == decimal
    assert quantities.format_bytes_binary(size) == binary


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "Less than a second"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "About a minute"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (7200, "2 hours"),
        (86400, "24 hours"),
        (3 * 86400, "3 days"),
        (20 * 86400, "2 weeks"),
        (90 * 86400, "3 months"),
        (800 * 86400, "2 years"),
    ],
)
def test_ages_are_told_as_docker_ps_tells_them(seconds: float, words: str) -> None:
    assert quantities.format_age(seconds) == words


@pytest.mark.parametrize("module", ["lading.quantities", "lading.names"])
def test_nothing_heavy_is_imported(module: str) -> None:
    code = (
        f"import sys; sys.path[:0] = {sys.path!r};"
        f"before = set(sys.modules); import {module};"
        "print(*set(sys.modules) - before)"
    )
    output = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    heavy = {"re", "typing", "enum", "functools", "collections", "json", "dataclasses", "fractions"}
    assert not heavy & set(output.split())


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0, "0s"),
        (7, "7ns"),
        (1_500, "1.5µs"),
        (200_000_000, "200ms"),
        (1_500_000_000, "1.5s"),
        (30_000_000_000, "30s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_001, "1h0m0.000000001s"),
    ],
)
def test_durations_are_written_as_go_writes_them(duration: int, text: str) -> None:
    assert quantities.format_duration_ns(duration) == text
    assert quantities.parse_duration_ns(text) == duration
