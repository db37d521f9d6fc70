"""Users and groups are those of the root, by Docker's rules."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidArgument
from lading.runtime import users


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nbroken\n# bob:x:1:1::/:/\n"
        "bob:x:1000:1001::/home/bob:/bin/sh\n42:x:7:8::/fortytwo:\n"
    )
    (tmp_path / "etc/group").write_text("root:x:0:\naudio:x:29:bob,root\nvideo:x:44:\n")
    descriptor = os.open(tmp_path, os.O_PATH)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"username": "bob"}, (1000, 1001, [1001, 29], "/home/bob")),
        ({"username": "1000"}, (1000, 1001, [1001, 29], "/home/bob")),
        ({"username": "bob:video"}, (1000, 44, [44], "/home/bob")),
        ({"username": "5000"}, (5000, 0, [0], "/")),
        ({"username": "5000:6000"}, (5000, 6000, [6000], "/")),
        ({"username": "42"}, (7, 8, [8], "/fortytwo")),
        ({"username": ":video"}, (0, 44, [44], "/root")),
        ({"uid": 1000, "gid": 5, "additionalGids": [5, 6]}, (1000, 5, [5, 6], "/home/bob")),
        ({"uid": 9, "gid": 9, "groupAdd": ["video", "77"]}, (9, 9, [44, 77], "/")),
    ],
)
def test_a_user_means(root: int, user: Any, expected: tuple[int, int, list[int], str]) -> None:
    found = users.resolve(root, user)
    assert (found.uid, found.gid, found.groups, found.home) == expected


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"username": "eve"}, "unable to find user eve: no matching entries in passwd file"),
        ({"username": "bob:no"}, "unable to find group no: no matching entries in group file"),
        ({"username": "4294967296"}, "uids and gids must be in range 0-2147483647"),
    ],
)
def test_who_is_not_there_is_refused(root: int, user: Any, message: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        users.resolve(root, user)
    assert str(refusal.value) == message


def test_a_pipe_in_place_of_passwd_does_not_hold_us(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/passwd")
    descriptor = os.open(tmp_path, os.O_PATH)
    assert users.resolve(descriptor, {"uid": 3, "gid": 4}).home == "/"
    os.close(descriptor)


@given(st.text())
def test_parsed_rows_have_numbers_whatever_the_text(text: str) -> None:
    for row in users.parse(text, 7):
        assert (int(row[2]), int(row[3])) >= (0, 0)
