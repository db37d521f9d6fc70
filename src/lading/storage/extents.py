"""Which parts of a file have data: man 2 lseek, SEEK_DATA and SEEK_HOLE."""

import errno
import os
from collections.abc import Iterator


def extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that have data, as (start, end); the holes between stay holes."""
    position = 0
    while position < size:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # nothing but a hole follows
            raise
        position = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, position
