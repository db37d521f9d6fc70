"""Kinds of flags read quantities by the house's rules."""

from __future__ import annotations

import pytest

from lading.cli import flags
from lading.errors import InvalidArgument


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (flags.BYTES, "64m", 64 << 20),
        (flags.SWAP, "-1", -1),
        (flags.CPUS, "1.5", 1_500_000_000),
        (flags.DURATION, "1m30s", 90_000_000_000),
        (flags.INT, "-5", -5),
        (flags.INT, "0x10", 16),
        (flags.STRING, "", ""),
    ],
)
def test_values(kind: flags.Kind, text: str, value: object) -> None:
    assert kind.convert(text, kind.fresh()) == value


def test_filters_gather_by_key() -> None:
    first = flags.FILTER.convert("Label=a=b", {})
    assert flags.FILTER.convert("label= c", first) == {"label": ["a=b", "c"]}
    with pytest.raises(ValueError, match="bad format of filter"):
        flags.FILTER.convert("label", {})


@pytest.mark.parametrize("text", ["3q", "", "-1"])
def test_sizes_that_make_no_sense(text: str) -> None:
    with pytest.raises(InvalidArgument):
        flags.BYTES.convert(text, 0)


def test_integers_have_bounds() -> None:
    with pytest.raises(ValueError, match="value out of range"):
        flags.INT.convert(str(1 << 63), 0)
