"""Requests are spelled as the API wants them."""

from urllib.parse import parse_qs, quote, unquote

from hypothesis import given
from hypothesis import strategies as st

from lading.sdk import request
from lading.sdk.request import Request


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_quoted_text_comes_back(text: str) -> None:
    assert unquote(request.quote(text)) == text
    assert request.quote(text) == quote(text, safe="")


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=4))
def test_a_query_comes_back(query: dict[str, str]) -> None:
    encoded = request.encode_query(query)
    assert parse_qs(encoded) == {key: [value] for key, value in query.items()}


def test_booleans_are_numbers_lists_repeat_and_none_is_left_out() -> None:
    query = {"a": True, "b": False, "c": None, "d": ["x", "y"], "e": 0}
    assert request.encode_query(query) == "a=1&b=0&d=x&d=y&e=0"


def test_our_own_verbs_have_no_version() -> None:
    assert Request("GET", "/x").target("1.51") == "/v1.51/x"
    assert Request("GET", "/x", versioned=False).target("1.51") == "/x"


def test_filters_are_one_json_document() -> None:
    assert request.encode_filters({"name": ["a", "b"]}) == '{"name":["a","b"]}'
    assert request.encode_filters({}) is None
