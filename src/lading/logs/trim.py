"""A log cut down to its quota once nobody writes it: what readers held beyond it goes."""

import os

from lading.logs import segment_files
from lading.runtime.segments import segment_name


def trim(directory: str, quota: int) -> None:
    """Remove the oldest segments until the rest is within the quota."""
    names = [f"{directory}/{segment_name(n)}" for n in segment_files.numbers(directory)]
    sizes = {path: _size(path) + _size(path + ".gz") for path in names}
    over = sum(sizes.values()) - quota
    for path, size in sizes.items():
        if over <= 0:
            return
        over -= size
        for name in (path, path + ".gz"):
            try:
                os.unlink(name)
            except FileNotFoundError:
                continue


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
