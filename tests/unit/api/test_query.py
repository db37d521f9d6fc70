"""Parameters are read the way Docker reads them."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.api.query import Query
from lading.errors import InvalidArgument

FILTERS = frozenset(["label", "name"])


@pytest.mark.parametrize("text", ["", "f=", "f=0", "f=No", "f=FALSE", "f=none", "f=%20"])
def test_false_is_nothing_zero_no_false_none(text: str) -> None:
    assert not Query(text).flag("f")


@pytest.mark.parametrize("text", ["f=1", "f=true", "f=x", "f=2"])
def test_anything_else_is_true(text: str) -> None:
    assert Query(text).flag("f")


def test_a_missing_flag_is_its_default_but_an_empty_one_is_false() -> None:
    assert Query("").flag("f", default=True)
    assert not Query("f=").flag("f", default=True)


def test_numbers_are_strict() -> None:
    assert (Query("t=-1").number("t"), Query("").number("t")) == (-1, None)
    with pytest.raises(InvalidArgument):
        Query("t=1.5").number("t")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'invalid resize height "": invalid syntax'),
        ("h=x", 'invalid resize height "x": invalid syntax'),
        ("h=-1", 'invalid resize height "-1": value out of range'),
        ("h=4294967296", 'invalid resize height "4294967296": value out of range'),
    ],
)
def test_a_terminal_size_must_be_one(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Query(text).size("h", "resize height")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "ns"),
    [("1", 10**9), ("1.5", 1_500_000_000), ("1.000000001", 10**9 + 1), ("1.0000000019", 10**9 + 1)],
)
def test_times_have_up_to_nine_digits_after_the_point(text: str, ns: int) -> None:
    assert Query(f"since={text}").time_ns("since") == ns


@pytest.mark.parametrize("text", ["x", "1.x", "1.5.5", "\u0661"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        Query(f"since={quote(text)}").time_ns("since")


@pytest.mark.parametrize("text", ['{"label":{"a=b":true}}', '{"label":["a=b"]}'])
def test_filters_come_in_two_encodings(text: str) -> None:
    assert Query("filters=" + quote(text)).filters(FILTERS) == {"label": ["a=b"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "invalid filter"), ("[]", "invalid filter"), ('{"x":["1"]}', "invalid filter 'x'")],
)
def test_bad_filters_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Query("filters=" + quote(text)).filters(FILTERS)
    assert str(caught.value) == message


@given(st.text(max_size=30))
def test_no_query_makes_it_fail_otherwise(text: str) -> None:
    query = Query(text)
    for read in (query.number, query.time_ns, lambda name: query.filters(FILTERS)):
        try:
            read("a")
        except InvalidArgument:
            continue
