"""PAX records survive a round trip, times keep their nanoseconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.storage.layers import pax
from lading.storage.layers.tar_header import BadTar

keywords = st.binary(min_size=1, max_size=30).filter(
    lambda k: b"=" not in k and k not in (b"path", b"linkpath")
)


@given(st.lists(st.tuples(keywords, st.binary(max_size=1200)), max_size=4))
def test_records_survive_a_round_trip(records: list[tuple[bytes, bytes]]) -> None:
    assert pax.parse(pax.encode(records)) == records


@given(st.integers(0, 1100))
def test_a_record_counts_its_own_digits(length: int) -> None:
    record = pax.encode([(b"k", b"v" * length)])
    assert int(record.partition(b" ")[0]) == len(record)


@given(st.integers(-(2**63), 2**63))
def test_times_survive_a_round_trip(time_ns: int) -> None:
    assert pax.parse_time_ns(pax.format_time(time_ns)) == time_ns


@pytest.mark.parametrize("value", [b"", b".", b"-", b"1e9", b"1.2.3", b"+1", b"1_0", b"9" * 30])
def test_other_times_are_refused(value: bytes) -> None:
    with pytest.raises(BadTar):
        pax.parse_time_ns(value)
