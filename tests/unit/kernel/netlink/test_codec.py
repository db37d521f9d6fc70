import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel.netlink import codec

attribute_types = st.integers(min_value=0, max_value=codec.NLA_TYPE_MASK)
payloads = st.binary(max_size=200)


@given(st.dictionaries(attribute_types, payloads, max_size=8))
def test_attributes_come_back_as_they_were(attributes: dict[int, bytes]) -> None:
    data = b"".join(codec.attribute(kind, payload) for kind, payload in attributes.items())
    assert codec.parse_attributes(data) == attributes


@given(attribute_types, st.dictionaries(attribute_types, payloads, max_size=4))
def test_a_nested_attribute_holds_its_attributes(kind: int, inner: dict[int, bytes]) -> None:
    data = codec.nested(kind, *(codec.attribute(k, v) for k, v in inner.items()))
    assert codec.parse_attributes(codec.parse_attributes(data)[kind]) == inner


@given(st.lists(payloads, max_size=6))
def test_attributes_begin_at_multiples_of_four(parts: list[bytes]) -> None:
    assert all(len(codec.attribute(1, part)) % 4 == 0 for part in parts)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.lists(payloads, max_size=3)), max_size=5))
def test_messages_in_one_datagram_come_back_one_by_one(
    messages: list[tuple[int, list[bytes]]],
) -> None:
    data = b"".join(
        codec.message(kind, 0, *(codec.attribute(1, part) for part in parts))
        for kind, parts in messages
    )
    found = codec.parse_messages(data)
    assert [kind for kind, _, _, _ in found] == [kind for kind, _ in messages]
    bodies = [b"".join(codec.attribute(1, part) for part in parts) for _, parts in messages]
    assert [body for _, _, _, body in found] == bodies


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for parse in (codec.parse_attributes, codec.parse_messages):
        try:
            parse(data)
        except ValueError:
            continue


def test_a_length_that_leaves_the_data_is_refused() -> None:
    with pytest.raises(ValueError, match="attribute of 99 bytes"):
        codec.parse_attributes(codec.ATTRIBUTE.pack(99, 1) + b"1234")
    with pytest.raises(ValueError, match="message of 15 bytes"):
        codec.parse_messages(codec.HEADER.pack(15, 1, 0, 0, 0))


def test_an_error_is_read_with_the_words_of_the_kernel() -> None:
    body = (-errno.EINVAL).to_bytes(4, "little", signed=True) + bytes(codec.HEADER.size)
    body += codec.string(codec.NLMSGERR_ATTR_MSG, "no such luck")
    assert codec.parse_error(codec.NLM_F_ACK_TLVS, body) == (errno.EINVAL, "no such luck")
    assert codec.parse_error(0, body) == (errno.EINVAL, "")
