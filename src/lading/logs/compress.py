"""Segments that are full, made smaller: `00000001.seg` becomes `00000001.seg.gz`.

The monitor knows nothing of this: it removes a segment by its number, in either form, and its
quota counts the bytes that were written. So whoever loses a race with it cleans up: the compressed
file is there before the plain one goes, and goes too when the plain one had gone already.
"""

import contextlib
import os

from lading.failpoints import fp
from lading.logs import segment_files
from lading.runtime.segments import segment_name
from lading.storage.layers.compress import new_gzip

SMALLEST = 4096  # bytes: what is shorter takes a block of the disk either way


def compress_full(directory: str, *, is_over: bool) -> None:
    """Compress every plain segment but the one that is written.

    `is_over`: nobody writes any more, so the last one is full as well.
    """
    numbers = segment_files.numbers(directory)
    for number in numbers if is_over else numbers[:-1]:
        with contextlib.suppress(FileNotFoundError):  # it is compressed, or has been removed
            _compress(f"{directory}/{segment_name(number)}")


def _compress(path: str) -> None:
    temporary = f"{os.path.dirname(path)}/compressing"
    with open(path, "rb") as file:
        data, times = file.read(), os.fstat(file.fileno())
    if len(data) < SMALLEST:
        return
    packer = new_gzip()
    with open(temporary, "wb") as file:
        file.write(packer.compress(data))
        file.write(packer.flush())
    os.utime(temporary, ns=(times.st_atime_ns, times.st_mtime_ns))  # readers go by it
    fp("compress.written")
    os.rename(temporary, path + ".gz")
    fp("compress.renamed")
    try:
        os.unlink(path)
    except FileNotFoundError:
        os.unlink(path + ".gz")
