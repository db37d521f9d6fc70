"""The names that mark what is gone."""

import pytest

from lading.storage.layers.whiteout import Kind, classify


@pytest.mark.parametrize(
    ("path", "kind", "hidden"),
    [
        (b"a/.wh.b", Kind.WHITEOUT, b"b"),
        (b"./.wh.b/", Kind.WHITEOUT, b"b"),
        (b".wh..b", Kind.WHITEOUT, b".b"),
        (b".wh.", Kind.WHITEOUT, b""),
        (b".wh..wh.b", Kind.BOOKKEEPING, b".wh..wh.b"),
        (b"a/.wh..wh..opq", Kind.OPAQUE, b".wh..wh..opq"),
        (b".wh..wh.plnk/1.2", Kind.BOOKKEEPING, b".wh..wh.plnk/1.2"),
        (b".wh.a/b", Kind.MISPLACED, b".wh.a/b"),
        (b"a.wh.b", Kind.NONE, b"a.wh.b"),
        (b"/", Kind.NONE, b""),
    ],
)
def test_a_name_tells_the_kind(path: bytes, kind: Kind, hidden: bytes) -> None:
    assert classify(path) == (kind, hidden)
