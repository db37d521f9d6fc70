"""Texts cut and quoted."""

from lading.cli import human


def test_long_texts_end_in_an_ellipsis() -> None:
    assert human.ellipsis("abcdef", 6) == "abcdef"
    assert human.ellipsis("abcdefg", 6) == "abcde…"


def test_quoting_is_gos() -> None:
    assert human.quoted('sh -c "a\n\x1b[0m" é\\') == '"sh -c \\"a\\n\\x1b[0m\\" é\\\\"'
