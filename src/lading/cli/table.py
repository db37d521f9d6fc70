"""Columns: every cell as wide as its column's widest, three blanks between, ten at least.

A cell ends with a tab; what follows a line's last tab is not aligned. A column is a run of lines
that all have a cell there, so lines without tabs in between begin a new one (Go, text/tabwriter).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PADDING = 3
MIN_WIDTH = 10  # both are Docker's: scripts cut its tables by column


def render(rows: Sequence[Sequence[str]], *, min_width: int = MIN_WIDTH) -> str:
    """Lines of text; the last cell of a row is not padded."""
    widths: list[list[int]] = [[] for _ in rows]
    _measure(rows, 0, len(rows), min_width, widths)
    return "".join(_line(row, width) for row, width in zip(rows, widths, strict=True))


def align(text: str) -> str:
    """Lines with cells that end with tabs, aligned."""
    lines = text.removesuffix("\n").split("\n") if text else []
    return render([line.split("\t") for line in lines])


def _measure(
    rows: Sequence[Sequence[str]], start: int, end: int, least: int, widths: list[list[int]]
) -> None:
    """Give the lines from `start` to `end` the width of their next column, run by run."""
    position = start
    while position < end:
        column = len(widths[position])
        if len(rows[position]) - 1 <= column:
            position += 1
            continue
        first = position
        width = least
        while position < end and len(rows[position]) - 1 > column:
            width = max(width, len(rows[position][column]) + PADDING)
            position += 1
        for line in range(first, position):
            widths[line].append(width)
        _measure(rows, first, position, least, widths)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
    return "".join(padded) + row[-1] + "\n"
