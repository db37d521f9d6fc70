"""Netlink messages as bytes: headers, attributes, and their way back. Pure, no socket.

    message   = nlmsghdr (length, type, flags, sequence, port) + family header + attributes
    attribute = nlattr (length, type) + payload, padded to 4 bytes; a payload may be attributes

Numbers are in host order (man 7 netlink); nf_tables alone puts big-endian numbers inside, and
packs them itself. A message is made with sequence 0: `NetlinkSocket` numbers it when it is sent.
"""

import struct

NLMSG_ERROR = 2
NLMSG_DONE = 3

NLM_F_REQUEST = 0x1
NLM_F_MULTI = 0x2
NLM_F_ACK = 0x4
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800
NLM_F_ACK_TLVS = 0x200  # in an answer: attributes follow the echoed header

NLA_F_NESTED = 0x8000
NLA_TYPE_MASK = 0x3FFF
NLMSGERR_ATTR_MSG = 1

HEADER = struct.Struct("=IHHII")
ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct("=HHI")


def message(message_type: int, flags: int, *parts: bytes) -> bytes:
    """A request of that type: the family header and the attributes are `parts`."""
    body = b"".join(parts)
    length = HEADER.size + len(body)
    return HEADER.pack(length, message_type, flags | NLM_F_REQUEST, 0, 0) + body


def attribute(attribute_type: int, payload: bytes = b"") -> bytes:
    """One attribute, padded to a multiple of four bytes."""
    length = ATTRIBUTE.size + len(payload)
    return ATTRIBUTE.pack(length, attribute_type) + payload + bytes(-length % 4)


def nested(attribute_type: int, *attributes: bytes) -> bytes:
    """An attribute made of attributes."""
    return attribute(attribute_type | NLA_F_NESTED, b"".join(attributes))


def u32(attribute_type: int, value: int) -> bytes:
    """An attribute that is a number of 32 bits in host order."""
    return _U32.pack(8, attribute_type, value)


def string(attribute_type: int, text: str) -> bytes:
    """An attribute that is a text with its closing NUL."""
    return attribute(attribute_type, text.encode() + b"\0")


def parse_attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes from `offset` on, by type without its flags; the last of a type wins.

    Raises ValueError when a length leaves the data.
    """
    found = {}
    while offset + ATTRIBUTE.size <= len(data):
        length, attribute_type = ATTRIBUTE.unpack_from(data, offset)
        if length < ATTRIBUTE.size or offset + length > len(data):
            raise ValueError(f"attribute of {length} bytes at {offset} of {len(data)}")
        found[attribute_type & NLA_TYPE_MASK] = data[offset + ATTRIBUTE.size : offset + length]
        offset += length + (-length % 4)
    return found


def parse_list(data: bytes) -> list[bytes]:
    """The payloads of attributes of one type (NFTA_LIST_ELEM), in order. Raises ValueError."""
    found = []
    offset = 0
    while offset + ATTRIBUTE.size <= len(data):
        length, _ = ATTRIBUTE.unpack_from(data, offset)
        if length < ATTRIBUTE.size or offset + length > len(data):
            raise ValueError(f"attribute of {length} bytes at {offset} of {len(data)}")
        found.append(data[offset + ATTRIBUTE.size : offset + length])
        offset += length + (-length % 4)
    return found


def split(data: bytes) -> list[bytes]:
    """The messages of one datagram, each with its header. Raises ValueError."""
    found = []
    offset = 0
    while offset + HEADER.size <= len(data):
        (length,) = struct.unpack_from("=I", data, offset)
        if length < HEADER.size or offset + length > len(data):
            raise ValueError(f"message of {length} bytes at {offset} of {len(data)}")
        found.append(data[offset : offset + length])
        offset += length + (-length % 4)
    return found


def parse_messages(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """The messages of one datagram, each as (type, flags, sequence, body).

    Raises ValueError when a length leaves the data.
    """
    found = []
    for one in split(data):
        _length, message_type, flags, sequence, _port = HEADER.unpack_from(one)
        found.append((message_type, flags, sequence, one[HEADER.size :]))
    return found


def parse_error(flags: int, body: bytes) -> tuple[int, str]:
    """The errno of an NLMSG_ERROR body (0 is an acknowledgement), and the kernel's own words."""
    (code,) = struct.unpack_from("=i", body)
    if not flags & NLM_F_ACK_TLVS:
        return -code, ""
    # NETLINK_CAP_ACK: of the request only its header comes back, the attributes follow that
    said = parse_attributes(body, 4 + HEADER.size).get(NLMSGERR_ATTR_MSG, b"")
    return -code, said.rstrip(b"\0").decode(errors="replace")


def text(payload: bytes) -> str:
    """The text of a NUL-closed attribute."""
    return payload.rstrip(b"\0").decode(errors="replace")
