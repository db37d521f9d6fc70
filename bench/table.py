"""The table: a row for each thing measured, a column for each engine, ours first."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """`values[engine]` are all that was measured; the median is what counts."""

    title: str
    unit: str
    values: Sequence[Sequence[float]]
    is_rate: bool = False  # more is better

    def medians(self) -> list[float | None]:
        return [statistics.median(found) if found else None for found in self.values]


def render(names: Sequence[str], rows: Sequence[Row]) -> str:
    """The table as text. A ratio above 1 says that ours is the better one."""
    head = ["", "n", names[0]]
    for name in names[1:]:
        head += [name, "ours better by"]
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(row: Row) -> list[str]:
    ours, *others = row.medians()
    cells = [row.title, str(max(map(len, row.values))), _number(ours, row.unit)]
    for other in others:
        ratio = "-"
        if ours and other:
            ratio = f"{ours / other if row.is_rate else other / ours:.2f}x"
        cells += [_number(other, row.unit), ratio]
    return cells


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.{1 if value >= 10 else 2}f} {unit}"
