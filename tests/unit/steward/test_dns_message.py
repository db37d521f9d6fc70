import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.steward import dns_message as dns

LABEL = st.text(alphabet="abcXYZ019-_", min_size=1, max_size=63)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join).filter(lambda name: len(name) < 250)


def ask(name: str, kind: int = dns.A, *, size: int = 0, identity: int = 7) -> bytes:
    """A query as a stub resolver sends it."""
    extra = b"\0" + struct.pack(">HHIH", dns.OPT, size, 0, 0) if size else b""
    header = dns.HEADER.pack(identity, dns.RECURSION_DESIRED, 1, 0, 0, 1 if size else 0)
    return header + dns.encode_name(name) + struct.pack(">HH", kind, dns.IN) + extra


@given(NAME, st.sampled_from([dns.A, dns.AAAA, dns.PTR]), st.sampled_from([0, 100, 1232, 65000]))
def test_a_question_is_read_as_it_was_asked(name: str, kind: int, size: int) -> None:
    query = dns.parse(ask(name, kind, size=size))
    assert (query.name, query.kind, query.identity) == (name.lower(), kind, 7)
    assert query.size == min(max(size, 512), 4096)
    assert query.has_edns == (size > 0)
    assert query.question == ask(name, kind)[12:]


@given(st.binary(max_size=80))
def test_any_bytes_are_a_query_or_malformed(message: bytes) -> None:
    try:
        query = dns.parse(message)
    except dns.Malformed as error:
        code = error.code
    else:
        assert message[12:].startswith(query.question)
        return
    if code is not None:
        assert dns.failure(message, code)[:2] == message[:2]


@given(st.binary(max_size=60), NAME)
def test_any_bytes_are_an_answer_or_not(tail: bytes, name: str) -> None:
    dns.answers_to(b"\0\7\x80\0" + tail, ask(name))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"short", None),
        (dns.HEADER.pack(7, dns.RESPONSE, 1, 0, 0, 0), None),
        (dns.HEADER.pack(7, 0x2800, 1, 0, 0, 0), dns.NOTIMP),  # an update, RFC 2136
        (dns.HEADER.pack(7, 0, 2, 0, 0, 0), dns.FORMERR),
        (dns.HEADER.pack(7, 0, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", dns.FORMERR),
        (dns.HEADER.pack(7, 0, 1, 0, 0, 0) + b"\3web\0\0", dns.FORMERR),
    ],
)
def test_what_is_no_query_says_what_to_answer(message: bytes, code: int | None) -> None:
    with pytest.raises(dns.Malformed) as caught:
        dns.parse(message)
    assert caught.value.code == code


def test_a_full_stop_inside_a_label_makes_no_other_name() -> None:
    message = dns.HEADER.pack(7, 0, 1, 0, 0, 0) + b"\7web.net\0" + struct.pack(">HH", 1, 1)
    assert dns.parse(message).name == "web\\.net"


def test_an_answer_has_header_question_and_records() -> None:
    query = dns.parse(ask("Web", size=1232))
    answer = dns.reply(query, 0, [dns.Record(dns.A, b"\x0a\0\0\2")], limit=512, ttl=600)
    assert dns.HEADER.unpack_from(answer) == (7, 0x8180, 1, 1, 0, 1)
    assert answer[12:21] == b"\3Web\0\0\1\0\1"  # spelled as it was asked
    assert answer[21:37] == b"\xc0\x0c\0\1\0\1\0\0\x02\x58\0\4\x0a\0\0\2"
    assert answer[37:] == b"\0\0\x29\x10\0\0\0\0\0\0\0"


@given(st.integers(0, 300), st.booleans())
def test_an_answer_never_is_longer_than_the_client_takes(count: int, has_edns: bool) -> None:
    query = dns.parse(ask("web", size=700 if has_edns else 0))
    records = [dns.Record(dns.A, bytes(4)) for _ in range(count)]
    answer = dns.reply(query, 0, records, limit=query.size, ttl=600)
    assert len(answer) <= query.size
    flags, told = struct.unpack_from(">HxxH", answer, 2)
    assert told == count or flags & dns.TRUNCATED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ask("web")[:2] + b"\x81\x80" + ask("web")[4:], True),
        (ask("WEB")[:2] + b"\x81\x80" + ask("WEB")[4:], True),
        (ask("web", identity=8)[:2] + b"\x81\x80" + ask("web")[4:], False),
        (ask("web"), False),
        (ask("other")[:2] + b"\x81\x80" + ask("other")[4:], False),
        (dns.HEADER.pack(7, 0x8185, 0, 0, 0, 0), True),  # refused, without the question
        (dns.HEADER.pack(7, 0x8180, 0, 0, 0, 0), False),
    ],
)
def test_only_an_answer_to_the_question_is_taken(answer: bytes, expected: bool) -> None:
    assert dns.answers_to(answer, ask("web")) is expected
