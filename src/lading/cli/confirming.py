"""Asking before something is removed, and saying what was."""

from __future__ import annotations

import sys

from lading import quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def confirm(warning: str) -> bool:
    """Whether the user says y. The end of stdin is a no."""
    sys.stdout.write(f"{warning}\nAre you sure you want to continue? [y/N] ")
    sys.stdout.flush()
    answer = sys.stdin.readline()
    if not answer:
        sys.stdout.write("\n")
    return answer.strip().lower() in ("y", "yes")


def report(title: str, lines: Iterable[str]) -> str:
    """`Deleted Containers:` and what they were; nothing when there were none."""
    text = "".join(f"{line}\n" for line in lines)
    return f"{title}:\n{text}\n" if text else ""


def reclaimed(size: int) -> str:
    return f"Total reclaimed space: {quantities.format_bytes(size)}\n"
