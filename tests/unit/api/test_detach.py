"""The detach keys are found however input is cut, and nothing else is lost or reordered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.api.detach import BadDetachKeys, BadEscapeKeys, Recogniser, parse_keys
from lading.errors import InvalidArgument

KEYS = parse_keys(None)


def test_the_default_is_ctrl_p_ctrl_q() -> None:
    assert parse_keys(None) == parse_keys("") == b"\x10\x11"


@pytest.mark.parametrize(
    ("spec", "keys"), [("a,b", b"ab"), ("ctrl-@,ctrl-_", b"\x00\x1f"), ("DEL,ctrl-[", b"\x7f\x1b")]
)
def test_keys_are_characters_and_controls(spec: str, keys: bytes) -> None:
    assert parse_keys(spec) == keys


@pytest.mark.parametrize("spec", ["ctrl-", "ctrl-1", "ab", "a,,b", "ä"])
def test_other_keys_are_refused(spec: str) -> None:
    with pytest.raises(BadDetachKeys, match=r"Invalid detach keys \(.*\) provided"):
        parse_keys(spec)
    with pytest.raises(BadEscapeKeys, match=r"Invalid escape keys \(.*\) provided"):
        parse_keys(spec, error=BadEscapeKeys)
    assert issubclass(BadDetachKeys, InvalidArgument)


def test_a_partial_match_is_passed_on_with_the_next_key() -> None:
    recogniser = Recogniser(KEYS)
    assert recogniser.feed(b"a\x10") == (b"a", False)
    assert recogniser.feed(b"b") == (b"\x10b", False)


def test_a_partial_match_at_the_end_is_passed_on() -> None:
    recogniser = Recogniser(KEYS)
    recogniser.feed(b"\x10")
    assert recogniser.end() == b"\x10"


def test_a_sequence_that_begins_inside_a_failed_one_is_found() -> None:
    assert Recogniser(b"aab").feed(b"aaab") == (b"a", True)


@given(
    keys=st.binary(min_size=1, max_size=4).map(lambda b: bytes(x % 3 for x in b)),
    pieces=st.lists(st.binary(max_size=6).map(lambda b: bytes(x % 3 for x in b)), max_size=8),
)
def test_it_agrees_with_a_search_in_the_whole_input(keys: bytes, pieces: list[bytes]) -> None:
    recogniser, passed, is_found = Recogniser(keys), b"", False
    for piece in pieces:
        out, is_found = recogniser.feed(piece)
        passed += out
        if is_found:
            break
    whole = b"".join(pieces)
    at = whole.find(keys)
    assert is_found == (at >= 0)
    assert passed + (b"" if is_found else recogniser.end()) == (whole[:at] if at >= 0 else whole)
