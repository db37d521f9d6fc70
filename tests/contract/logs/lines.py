"""What receivers give back: (stream, text) for each line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Line = tuple[int, bytes]
WAIT_S = 20.0
PART = 16 * 1024  # a longer line arrives in parts of so many bytes


def joined(found: list[Line]) -> list[Line]:
    """Parts of long lines put together again; no test has a line of exactly that length."""
    lines: list[Line] = []
    was_part: dict[int, bool] = {}
    for stream, text in found:
        if was_part.get(stream):
            index = max(n for n, line in enumerate(lines) if line[0] == stream)
            lines[index] = (stream, lines[index][1] + text)
        else:
            lines.append((stream, text))
        was_part[stream] = len(text) == PART
    return lines


def until_enough(read: Callable[[], list[Line]], count: int) -> list[Line]:
    """What is read, once it is as much as is expected."""
    deadline = time.monotonic() + WAIT_S
    while len(found := read()) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
