"""DNS messages (RFC 1035, EDNS: RFC 6891): reading a question, writing an answer. Pure.

Only what a resolver for containers needs: one question; answers of type A, AAAA, PTR and SRV; and
the header of what others answered, whose rest is passed on as it came.

    header     id, flags, four counts
    question   name, type, class
    answer     name (here a pointer to the question's), type, class, ttl, length, data
"""

from __future__ import annotations

import struct

HEADER = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHHIH")  # name (a pointer), type, class, ttl, length
_U16 = struct.Struct(">H")
A, PTR, MX, AAAA, SRV, OPT, ANY = 1, 12, 15, 28, 33, 41, 255  # IANA, DNS parameters
IN = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
RESPONSE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x0200, 0x0100, 0x0080
_OPCODE, _RCODE = 0x7800, 0x000F
QUESTION_NAME = 0xC000 | HEADER.size  # a pointer to the first name of the message
SMALLEST = 512  # bytes of a datagram that everybody takes
LARGEST = 4096  # that we send, whatever the client says
MAX_NAME = 255


class Malformed(Exception):
    """Bytes that are no query; nobody can be answered, or only with FORMERR."""

    def __init__(self, code: int | None = FORMERR) -> None:
        """`code` None: not even that."""
        super().__init__(code)
        self.code = code


class Query:
    """A question as it came. `name` is in small letters, without a full stop at its end."""

    __slots__ = ("flags", "has_edns", "identity", "kind", "name", "qclass", "question", "size")

    def __init__(
        self,
        identity: int,
        flags: int,
        name: str,
        kind: int,
        qclass: int,
        question: bytes,
        size: int,
        *,
        has_edns: bool,
    ) -> None:
        self.identity = identity
        self.flags = flags
        self.name = name
        self.kind = kind
        self.qclass = qclass
        self.question = question  # bytes: the name as it was spelled, type and class
        self.size = size  # of the largest datagram that the client takes
        self.has_edns = has_edns


class Record:
    """One answer about the question's name, or about `owner`."""

    __slots__ = ("data", "kind", "owner")

    def __init__(self, kind: int, data: bytes, owner: str = "") -> None:
        self.kind = kind
        self.data = data
        self.owner = owner


def parse(message: bytes) -> Query:
    """Raises Malformed."""
    if len(message) < HEADER.size:
        raise Malformed(None)
    identity, flags, questions, answers, authorities, additional = HEADER.unpack_from(message)
    if flags & RESPONSE:
        raise Malformed(None)  # or two resolvers could talk for ever
    if flags & _OPCODE:
        raise Malformed(NOTIMP)
    if questions != 1 or answers or authorities:
        raise Malformed
    name, end = _read_name(message, HEADER.size)
    if end + 4 > len(message):
        raise Malformed
    kind, qclass = struct.unpack_from(">HH", message, end)
    end += 4
    size = _edns_size(message, end, additional)
    return Query(
        identity,
        flags,
        name,
        kind,
        qclass,
        message[HEADER.size : end],
        min(max(size, SMALLEST), LARGEST),
        has_edns=size > 0,
    )


def _read_name(message: bytes, offset: int) -> tuple[str, int]:
    """The name at the offset, and where it ends; a question's is never compressed."""
    labels: list[str] = []
    start = offset
    while True:
        if offset >= len(message) or offset - start > MAX_NAME:
            raise Malformed
        length = message[offset]
        offset += 1
        if not length:
            return ".".join(labels), offset
        if length > 63 or offset + length > len(message):
            raise Malformed
        label = message[offset : offset + length]
        # a full stop inside a label is legal, and no name of ours
        labels.append(label.decode("latin-1").lower().replace(".", "\\."))
        offset += length


def _edns_size(message: bytes, offset: int, records: int) -> int:
    """What the OPT record says of datagrams; 0 without one. Others are passed over."""
    for _ in range(min(records, 8)):
        offset = _skip_name(message, offset)
        if offset + 10 > len(message):
            return 0
        kind, size, _, length = struct.unpack_from(">HHIH", message, offset)
        if kind == OPT:
            return int(size) or SMALLEST
        offset += 10 + length
    return 0


def _skip_name(message: bytes, offset: int) -> int:
    while offset < len(message):
        length = message[offset]
        if not length:
            return offset + 1
        if length & 0xC0:
            return offset + 2
        offset += 1 + length
    return offset


def reply(
    query: Query,
    code: int,
    answers: list[Record] | tuple[Record, ...] = (),
    additional: list[Record] | tuple[Record, ...] = (),
    *,
    limit: int,
    ttl: int,
) -> bytes:
    """The answer, cut at `limit` bytes with the flag that says so."""
    flags = RESPONSE | RECURSION_AVAILABLE | query.flags & RECURSION_DESIRED | code
    edns = _opt() if query.has_edns else b""
    room = limit - HEADER.size - len(query.question) - len(edns)
    parts: list[bytes] = []
    counts = [0, 0]
    for index, records in enumerate((answers, additional)):
        for record in records:
            encoded = _encode(record, ttl)
            if len(encoded) > room:
                # what is only additional may be left out without a word, RFC 2181 section 9
                flags |= TRUNCATED if index == 0 else 0
                break
            room -= len(encoded)
            counts[index] += 1
            parts.append(encoded)
    counts[1] += bool(edns)
    header = HEADER.pack(query.identity, flags, 1, counts[0], 0, counts[1])
    return b"".join((header, query.question, *parts, edns))


def failure(message: bytes, code: int) -> bytes:
    """An answer to what could not be read: its id, and the code."""
    identity, flags = struct.unpack_from(">HH", message)
    kept = flags & (_OPCODE | RECURSION_DESIRED)
    return HEADER.pack(identity, RESPONSE | kept | code, 0, 0, 0, 0)


def _encode(record: Record, ttl: int) -> bytes:
    if not record.owner:
        head = _RECORD.pack(QUESTION_NAME, record.kind, IN, ttl, len(record.data))
        return head + record.data
    head = struct.pack(">HHIH", record.kind, IN, ttl, len(record.data))
    return encode_name(record.owner) + head + record.data


def _opt() -> bytes:
    return b"\0" + struct.pack(">HHIH", OPT, LARGEST, 0, 0)


def encode_name(name: str) -> bytes:
    """A name without compression. Raises ValueError for what is none."""
    parts = []
    for label in name.split(".") if name else ():
        data = label.encode("latin-1")
        if not 0 < len(data) < 64:
            raise ValueError(f"invalid label in {name!r}")
        parts.append(bytes([len(data)]) + data)
    return b"".join(parts) + b"\0"


def srv_data(port: int, target: str) -> bytes:
    """What an SRV record says: priority 0, weight 0, port, name (RFC 2782)."""
    return struct.pack(">HHH", 0, 0, port) + encode_name(target)


def code_of(message: bytes) -> int:
    """The response code of an answer."""
    return int(_U16.unpack_from(message, 2)[0]) & _RCODE


def with_identity(message: bytes, identity: int) -> bytes:
    """The same message under another id."""
    return _U16.pack(identity) + message[2:]


def answers_to(answer: bytes, query: bytes) -> bool:
    """Whether it is an answer with the query's id and question, however that is spelled."""
    if len(answer) < HEADER.size or answer[:2] != query[:2] or not answer[2] & 0x80:
        return False
    try:
        theirs, end = _read_name(answer, HEADER.size)
        ours, own_end = _read_name(query, HEADER.size)
    except Malformed:
        # some servers leave the question out of a refusal
        return _U16.unpack_from(answer, 4)[0] == 0 and code_of(answer) != NOERROR
    return theirs == ours and answer[end : end + 4] == query[own_end : own_end + 4]
