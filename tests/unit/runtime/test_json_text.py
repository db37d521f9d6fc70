"""The same values and the same refusals as the module `json`."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.runtime import json_text

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:  # infinite
        return
    assert json_text.encode(value) == text
    assert json_text.decode(f" \n{json.dumps(value, indent=1)}\t") == value


@pytest.mark.parametrize(
    "text", ["", " ", "{", "[1,]", "{1: 2}", "1 2", "nul", "'a'", "NaN", "\x00"]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_text.decode(text)


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError):
        json_text.encode({1, 2})
