"""Signals are understood in every way in which users write them."""

import signal
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.containers.signals import InvalidSignal, parse


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("KILL", 9),
        ("SIGKILL", 9),
        ("sigkill", 9),
        ("9", 9),
        ("09", 9),
        ("RTMIN", signal.SIGRTMIN),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("rtmax-2", signal.SIGRTMAX - 2),
        ("64", 64),
    ],
)
def test_a_signal_is_a_name_or_a_number(text: str, number: int) -> None:
    assert parse(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "0", "+9", "9.0", "NONSENSE", "SIG", "SIGSIGKILL", "RTMIN-1", "RTMIN+",
     "RTMIN+31", "RTMAX+1", "RTMAX-64", " KILL", "²"],
)  # fmt: skip
def test_anything_else_is_refused_by_its_own_text(text: str) -> None:
    with pytest.raises(InvalidSignal) as error:
        parse(text)
    assert str(error.value) == f"invalid signal: {text}"


@pytest.mark.parametrize("text", ["65", "-9", "1000"])
def test_a_number_that_is_no_signal_is_told_as_one(text: str) -> None:
    with pytest.raises(InvalidSignal, match=f"the linux daemon does not support signal {text}"):
        parse(text)


@given(st.sampled_from(list(signal.Signals)))
def test_every_signal_of_the_host_has_its_name(number: signal.Signals) -> None:
    assert parse(number.name) == number


@given(st.text())
def test_any_text_is_a_signal_or_invalid(text: str) -> None:
    with suppress(InvalidSignal):
        assert 1 <= parse(text) <= signal.SIGRTMAX
