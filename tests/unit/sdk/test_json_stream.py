"""Objects come one by one, however the bytes were cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.sdk.errors import ProtocolError
from lading.sdk.json_stream import documents

objects = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers()))


@given(objects, st.integers(1, 40), st.sampled_from(["\n", "\r\n"]))
def test_lines_of_objects(values: list[dict[str, object]], step: int, end: str) -> None:
    data = "".join(json.dumps(value) + end for value in values).encode()
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    assert list(documents(chunks)) == values


def test_an_object_over_several_lines() -> None:
    assert list(documents([b'{\n"a": {\n"b": 1}\n', b"}\n"])) == [{"a": {"b": 1}}]


def test_the_last_object_needs_no_line_end() -> None:
    assert list(documents([b'{"a": 1}\n{"b"', b": 2}"])) == [{"a": 1}, {"b": 2}]


def test_a_torn_object_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="ends in the middle"):
        list(documents([b'{"a": 1']))
