"""Words to options, as callers of runc and crun write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.runtime.command.flags import NUMBER, SEVERAL, SWITCH, TEXT, BadUsage, Flag, parse

FLAGS = (
    Flag(TEXT, "bundle b"),
    Flag(SWITCH, "detach d"),
    Flag(SEVERAL, "env e"),
    Flag(NUMBER, "fds"),
)


@pytest.mark.parametrize(
    "words", [["--bundle", "x"], ["--bundle=x"], ["-bundle", "x"], ["-b", "x"], ["-bx"], ["-b=x"]]
)
def test_a_value_may_be_given_in_all_of_these_ways(words: list[str]) -> None:
    assert parse(words, FLAGS)[0].text("bundle") == "x"


def test_words_and_flags_may_be_mixed_until_the_program_begins() -> None:
    options, rest = parse(["-d", "id", "sh", "-e", "x"], FLAGS, stop_after=1)
    assert (options.switch("detach"), options.words, rest) == (True, ["id"], ["sh", "-e", "x"])
    options, rest = parse(["id", "--detach=false", "-e", "a=1", "-e", "b=2"], FLAGS)
    assert (options.words, options.several("env"), rest) == (["id"], ["a=1", "b=2"], [])
    assert not options.switch("detach")


def test_a_negative_number_is_a_word() -> None:
    assert parse(["id", "-1"], FLAGS)[0].words == ["id", "-1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nosuch"], "flag provided but not defined: -nosuch"),
        (["--bundle"], "flag needs an argument: -bundle"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], message: str) -> None:
    with pytest.raises(BadUsage, match=message):
        parse(words, FLAGS)


def test_a_number_must_be_one() -> None:
    with pytest.raises(BadUsage, match="not a number"):
        parse(["--fds", "many"], FLAGS)[0].number("fds")


@given(st.lists(st.text(max_size=6), max_size=6))
def test_any_words_are_parsed_or_refused(words: list[str]) -> None:
    try:
        options, rest = parse(words, FLAGS, stop_after=1)
    except BadUsage:
        return
    assert len(options.words) + len(rest) <= len(words)
