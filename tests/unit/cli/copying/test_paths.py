"""Where a copy goes: Docker's rules of what exists, `/` and `/.`."""

from __future__ import annotations

import pytest

from lading.cli.copying.paths import Place, keep_ending, plan, split_entry, split_word
from lading.cli.failures import Failure

FILE = Place("/s/f", exists=True)
TREE = Place("/s/d", exists=True, is_directory=True)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("web:/etc", ("web", "/etc")),
        ("web:a:b", ("web", "a:b")),
        ("/a:b", ("", "/a:b")),
        ("./a:b", ("", "./a:b")),
        ("plain", ("", "plain")),
        ("-", ("", "-")),
    ],
)
def test_a_colon_tells_a_container_from_a_path(word: str, expected: tuple[str, str]) -> None:
    assert split_word(word) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/passwd", ("/etc", "passwd")),
        ("/etc/", ("/", "etc")),
        ("/etc/.", ("/etc", ".")),
        ("a", (".", "a")),
        ("/", ("/", "/")),
    ],
)
def test_a_path_has_a_directory_and_an_entry(path: str, expected: tuple[str, str]) -> None:
    assert split_entry(path) == expected


def test_what_was_typed_at_the_end_is_kept() -> None:
    assert keep_ending("a/", "/x/a") == "/x/a/"
    assert keep_ending("a/.", "/x/a") == "/x/a/."
    assert keep_ending("a", "/x/a") == "/x/a"


@pytest.mark.parametrize(
    ("source", "destination", "directory", "entry", "name"),
    [
        (FILE, Place("/d", exists=True, is_directory=True), "/d", "f", "f"),
        (FILE, Place("/d/old", exists=True), "/d", "f", "old"),
        (FILE, Place("/d/new"), "/d", "f", "new"),
        (TREE, Place("/d", exists=True, is_directory=True), "/d", "d/x", "d/x"),
        (TREE, Place("/d/new"), "/d", "d/x", "new/x"),
        (TREE, Place("/d/new/"), "/d", "d/x", "new/x"),
    ],
)
def test_a_plan_says_where_and_under_which_name(
    source: Place, destination: Place, directory: str, entry: str, name: str
) -> None:
    planned = plan(source, destination)
    assert (planned.directory, planned.rename(entry)) == (directory, name)


@pytest.mark.parametrize("entry", [".", "./", "./x", "x"])
def test_what_is_in_a_directory_gets_a_new_parent(entry: str) -> None:
    content = Place("/s/d/.", exists=True, is_directory=True)
    renamed = plan(content, Place("/d/new")).rename(entry)
    assert renamed == ("new/x" if "x" in entry else "new")


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(Failure, match=r"^cannot copy directory$"):
        plan(TREE, Place("/d/old", exists=True))
    with pytest.raises(Failure, match=r"^no such directory$"):
        plan(FILE, Place("/d/new/"))
