"""Which binds get a user namespace of their own, and which words are none."""

import asyncio
import os
from contextlib import ExitStack

import pytest

from lading.containers.mountpoints import mapping
from lading.containers.oci_spec import Bind
from lading.containers.userns import IdMap


def give(*words: str) -> tuple[list[Bind], list[IdMap], int]:
    """What becomes of a bind with these options beside one without, and how many descriptors."""
    asked: list[IdMap] = []

    async def make(ids: IdMap, users: int | None) -> tuple[int, int]:
        asked.append(ids)
        return os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)

    binds = [Bind("/a", "/a"), Bind("/b", "/b", ("rbind", *words))]
    descriptors = [7]
    with ExitStack() as lent:
        found = asyncio.run(mapping.give_users(binds, descriptors, make, lent))
    return found, asked, len(descriptors)


def test_a_mapped_bind_names_its_descriptor_and_no_other_does() -> None:
    found, asked, count = give("idmap=uids=11-1000-1;gids=12-1001-1")
    assert [bind.users for bind in found] == [None, 1]
    assert asked == [IdMap([(11, 1000, 1)], [(12, 1001, 1)])]
    assert count == 2


def test_plain_binds_ask_for_nothing() -> None:
    found, asked, count = give("ro")
    assert ([bind.users for bind in found], asked, count) == ([None, None], [], 1)


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("idmap", mapping.NoMapping),
        ("idmap=uids=1-2-3", mapping.BadMapping),
        ("idmap=moon=1", mapping.BadMapping),
        ("ridmap=uids=x;gids=1-2-3", mapping.BadMapping),
    ],
)
def test_words_that_map_nothing_are_refused(word: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="mount /b"):
        give(word)
