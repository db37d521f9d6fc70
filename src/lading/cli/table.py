"""Columns: every cell as wide as its column's widest, three blanks between, ten at least."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PADDING = 3
MIN_WIDTH = 10  # both are Docker's: scripts cut its tables by column


def render(rows: Sequence[Sequence[str]]) -> str:
    """Lines of text; the last cell of a row is not padded."""
    widths: list[int] = []
    for row in rows:
        for position, cell in enumerate(row[:-1]):
            if position == len(widths):
                widths.append(MIN_WIDTH)
            widths[position] = max(widths[position], len(cell) + PADDING)
    return "".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
    return "".join(padded) + row[-1] + "\n"
