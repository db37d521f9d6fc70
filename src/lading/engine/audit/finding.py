"""One thing that is wrong, and what takes it away."""

import os
from collections.abc import Callable
from typing import NamedTuple


class Finding(NamedTuple):
    """Its kind, which one, and why; `mend` removes a leak, and is None for a loss."""

    kind: str
    name: str
    detail: str
    mend: Callable[[], object] | None = None


def entries(path: str) -> list[str]:
    """The names in a directory of ours; none if it is not there."""
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []
