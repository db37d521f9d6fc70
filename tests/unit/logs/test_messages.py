"""Lines become messages; long ones become parts that can be put together again."""

from lading.logs.driver import Chunk
from lading.logs.messages import Message, Splitter
from lading.runtime.segments import STDERR, STDOUT


def test_each_line_is_a_message_and_an_empty_one_too() -> None:
    found = list(Splitter().feed([Chunk(STDOUT, 5, b"a\n\nb\n"), Chunk(STDERR, 6, b"c")]))
    texts = [(STDOUT, 5, b"a"), (STDOUT, 5, b""), (STDOUT, 5, b"b"), (STDERR, 6, b"c")]
    assert found == [Message(*text) for text in texts]


def test_a_long_line_goes_out_in_numbered_parts_with_its_first_time() -> None:
    splitter = Splitter()
    found = list(splitter.feed([Chunk(STDOUT, 5, b"x" * 20_000)]))
    found += splitter.feed([Chunk(STDOUT, 7, b"end\nnext\n")])
    assert [(len(m.text), m.time_ns) for m in found] == [(16384, 5), (3616, 5), (3, 5), (4, 7)]
    parts = [m.part for m in found[:3]]
    assert [(p.ordinal, p.is_last) for p in parts if p] == [(1, False), (2, False), (3, True)]
    assert len({p.id for p in parts if p}) == 1
    assert found[3].part is None


def test_a_line_that_ends_where_a_part_ends_has_a_last_part() -> None:
    splitter = Splitter()
    list(splitter.feed([Chunk(STDOUT, 5, b"x" * 20_000)]))
    (last,) = splitter.feed([Chunk(STDOUT, 7, b"\n")])
    assert last.part is not None
    assert (last.text, last.part.is_last) == (b"", True)


def test_the_streams_do_not_mix() -> None:
    splitter = Splitter()
    list(splitter.feed([Chunk(STDOUT, 5, b"x" * 20_000)]))
    (other,) = splitter.feed([Chunk(STDERR, 7, b"e\n")])
    assert other == Message(STDERR, 7, b"e")
