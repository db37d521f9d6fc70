"""How much a stranger's archive may ask of us before it is refused.

A layer is refused for what it does, not for what it says: bytes are counted as they come out.
"""

from typing import NamedTuple

from lading import errors

MIB = 1 << 20
GIB = 1 << 30


class LimitExceeded(errors.InvalidArgument):
    """archive refused: {0} is over the limit of {1}"""


class Limits(NamedTuple):
    """Bounds for one archive; the defaults let every real image through.

    Uncompressed bytes may be `floor_bytes` plus `ratio` times the compressed bytes read so far:
    source code and logs compress 10 to 20 times, a bomb a thousand times and more.
    """

    floor_bytes: int = GIB
    ratio: int = 64
    entries: int = 10_000_000
    path_bytes: int = 4096  # PATH_MAX, include/uapi/linux/limits.h
    depth: int = 256  # components of a path
    header_bytes: int = MIB  # one PAX header, GNU long name or sparse map
    zstd_window_log: int = 27  # 128 MiB, what the zstd command line takes without --memory
    xz_memory_bytes: int = 256 * MIB


DEFAULT = Limits()
