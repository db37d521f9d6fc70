"""The accelerator alone reads and writes what the json package does."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.sdk import json_text

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read_again(value: object) -> None:
    assert json_text.loads(json_text.dumps(value)) == value
    assert json_text.loads(json_text.dumps(value, ascii=False)) == value


@given(values)
def test_it_writes_what_json_writes(value: object) -> None:
    assert json_text.dumps(value) == json.dumps(value, separators=(",", ":"))


@given(st.text(alphabet='{}[]",:truefalsn01 \n\\'))
def test_it_accepts_and_refuses_what_json_does(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            json_text.loads(text)
    else:
        assert json_text.loads(text) == expected


def test_blanks_around_a_document_are_fine() -> None:
    assert json_text.loads(b' \r\n{"a": 1}\n') == {"a": 1}


def test_text_behind_a_document_is_an_error() -> None:
    with pytest.raises(ValueError, match="Extra data"):
        json_text.loads('{"a": 1} x')


def test_constants_are_those_of_json() -> None:
    assert json_text.loads("-Infinity") == -math.inf
    assert math.isnan(json_text.loads("NaN"))


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError, match="is not JSON"):
        json_text.dumps({"a": {1, 2}})
