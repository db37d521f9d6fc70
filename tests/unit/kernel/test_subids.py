"""Who owns which ids, by the tables of the host."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.kernel import subids

TABLE = (
    "alice:100000:65536\n1001:200000:1000\nalice:300000:10\n\n# no comment\nalice:x:1\nalice:5\n"
)


def test_ranges_come_in_the_order_of_the_file_and_by_name_or_number() -> None:
    assert subids.ranges(TABLE, "alice") == [(100000, 65536), (300000, 10)]
    assert subids.ranges(TABLE, "bob", "1001") == [(200000, 1000)]


@pytest.mark.parametrize("line", ["a:0:10", "a:4294967290:10", "a:5:0", "a:-5:10", "a:٣:10"])
def test_a_range_with_root_or_with_what_is_no_id_is_passed_over(line: str) -> None:
    assert subids.ranges(line, "a") == []


def test_a_mapping_goes_on_from_range_to_range_and_stops_at_its_size() -> None:
    assert subids.spread([(100, 10), (500, 10)], 15) == [(0, 100, 10), (10, 500, 5)]
    assert subids.spread([(100, 10)]) == [(0, 100, 10)]


def test_an_added_range_lies_behind_all_others_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "subuid"
    path.write_text("alice:100000:65536\nbob:300000:5")
    subids.add(str(path), "lading", 1000)
    assert path.read_text() == "alice:100000:65536\nbob:300000:5\nlading:300005:1000\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["subuid"]


def test_a_table_that_somebody_else_changes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "subuid"
    (tmp_path / "subuid.lock").touch()
    with pytest.raises(subids.Locked):
        subids.add(str(path), "lading", 1000)
    assert not path.exists()


def test_a_table_without_room_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "subuid"
    path.write_text("alice:4294900000:60000\n")
    with pytest.raises(subids.TooMany):
        subids.add(str(path), "lading", 65536)
    assert path.read_text() == "alice:4294900000:60000\n"


@given(st.text())
def test_no_table_breaks_the_reader(text: str) -> None:
    for first, count in subids.ranges(text, "a", ""):
        assert 0 < first <= first + count - 1 <= subids.LARGEST
