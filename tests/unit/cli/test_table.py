"""Columns line up."""

from lading.cli import table


def test_columns_are_as_wide_as_their_widest_cell_and_three() -> None:
    rows = [["ID", "COMMAND", "X"], ["1", "a long command", "y"]]
    assert table.render(rows) == "ID        COMMAND          X\n1         a long command   y\n"


def test_a_single_column_is_not_padded() -> None:
    assert table.render([["ID"], ["123"]]) == "ID\n123\n"
