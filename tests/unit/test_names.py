"""Ids and names of containers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading import names


def test_ids_are_64_hex_digits_and_differ() -> None:
    made = {names.new_id() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in made)


def test_an_id_that_would_be_a_numeric_host_name_is_thrown_away() -> None:
    supply = iter([b"\x12" * 32, b"\xab" * 32])
    assert names.new_id(lambda size: next(supply)) == "ab" * 32


def test_short_ids_have_twelve_digits_without_the_algorithm() -> None:
    assert names.short_id("0123456789abcdef" * 4) == "0123456789ab"
    assert names.short_id("sha256:" + "f" * 64) == "f" * 12


@given(st.text(alphabet="aZ09_.-/ \u00e9\n", max_size=6) | st.text(max_size=6))
def test_names_follow_dockers_pattern(text: str) -> None:
    pattern = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
    assert names.is_name(text) == (pattern.fullmatch(text) is not None)


def test_a_slash_in_front_is_taken_off() -> None:
    assert names.check_name("/web") == "web"


def test_a_bad_name_is_dockers_error() -> None:
    with pytest.raises(names.InvalidContainerName) as caught:
        names.check_name("a b")
    assert str(caught.value) == (
        "Invalid container name (a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    )


def test_word_lists_are_clean() -> None:
    for words in (names.ADJECTIVES.split(), names.SURNAMES.split()):
        assert len(words) == len(set(words)) > 150
        assert all(re.fullmatch("[a-z]+", word) for word in words)


def test_generated_names_are_valid_and_get_a_digit_on_a_second_attempt() -> None:
    for _ in range(50):
        assert re.fullmatch("[a-z]+_[a-z]+", names.generate_name())
        assert re.fullmatch("[a-z]+_[a-z]+[0-9]", names.generate_name(1))


def test_generated_names_come_from_the_given_randomness() -> None:
    first = names.generate_name(random=lambda size: bytes(size))
    assert first == f"{names.ADJECTIVES.split()[0]}_{names.SURNAMES.split()[0]}"
