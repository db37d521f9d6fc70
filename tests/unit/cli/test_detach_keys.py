"""Detach keys are known however they arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.cli.detach_keys import KeyWatcher, parse
from lading.cli.failures import Failure


@pytest.mark.parametrize(
    ("text", "keys"),
    [("ctrl-p,ctrl-q", b"\x10\x11"), ("a", b"a"), ("ctrl-[,X", b"\x1bX"), ("CTRL-A,@", b"\x01@")],
)
def test_keys_have_names(text: str, keys: bytes) -> None:
    assert parse(text) == keys


@pytest.mark.parametrize("text", ["", "ctrl-1", "ab", "ctrl-,a", "ctrl-ab"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Unknown character"):
        parse(text)


def test_a_wrong_sequence_ends_the_command_before_it_starts() -> None:
    with pytest.raises(Failure, match="invalid detach keys"):
        KeyWatcher("ctrl-1")


@given(st.binary(max_size=6), st.binary(max_size=6), st.integers(1, 5))
def test_the_sequence_is_seen_across_reads(before: bytes, after: bytes, step: int) -> None:
    watcher = KeyWatcher("ctrl-p,ctrl-q")
    data = before + b"\x10\x11" + after
    for at in range(0, len(data), step):
        watcher.feed(data[at : at + step])
    assert watcher.has_seen_them


def test_half_of_it_is_not_it() -> None:
    watcher = KeyWatcher("")
    for data in (b"\x10", b"x", b"\x11", b"\x10"):
        watcher.feed(data)
    assert not watcher.has_seen_them
