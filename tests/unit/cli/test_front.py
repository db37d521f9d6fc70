"""Suggestions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.cli import front

words = st.text(alphabet="abc", max_size=6)


@given(words, words, words)
def test_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert (front.distance(a, b) == 0) == (a == b)
    assert front.distance(a, b) == front.distance(b, a)
    assert front.distance(a, b) <= max(len(a), len(b))
    assert front.distance(a, a + c) == len(c)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("psx", ["ps"]), ("strat", ["start"]), ("insp", ["inspect"]), ("q", []), ("hello", [])],
)
def test_only_near_names_are_suggested(word: str, expected: list[str]) -> None:
    assert front.closest(word, ["ps", "start", "inspect", "commit"]) == expected
