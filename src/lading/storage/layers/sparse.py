"""Maps of sparse files: where the data that an archive stores lies in the file that it describes.

A map is a list of (offset, length), ascending, not overlapping. Four encodings are in use:
    old GNU   type "S": 4 pairs in the header at 386, then blocks of 21 pairs while a flag is set
    PAX 0.0   repeated records GNU.sparse.offset, GNU.sparse.numbytes
    PAX 0.1   one record GNU.sparse.map = "offset,length,offset,length..."
    PAX 1.0   decimal lines at the front of the data: the count, then offset and length in turn
Source: GNU tar manual, appendix "Sparse Formats".
"""

from collections.abc import Callable

from lading.storage.layers import pax
from lading.storage.layers.limits import LimitExceeded
from lading.storage.layers.tar_header import BLOCK_BYTES, BadTar, number

Map = list[tuple[int, int]]

_PAIR_BYTES = 24
_OLD_MAP_OFFSET, _OLD_PAIRS, _OLD_MORE_OFFSET, _OLD_REAL_SIZE = 386, 4, 482, slice(483, 495)
_MORE_PAIRS, _MORE_MORE_OFFSET = 21, 504
_LINE_BYTES = 20  # a decimal line of a 1.0 map is never longer: 2**63 has 19 digits


def read_old(block: bytes, next_block: Callable[[], bytes], limit: int) -> tuple[Map, int]:
    """The map and the real size of a type "S" member; `next_block` gives the blocks that follow."""
    pairs = _old_pairs(block[_OLD_MAP_OFFSET:_OLD_MORE_OFFSET], _OLD_PAIRS)
    more = block[_OLD_MORE_OFFSET]
    while more:
        following = next_block()
        pairs += _old_pairs(following, _MORE_PAIRS)
        more = following[_MORE_MORE_OFFSET]
        if len(pairs) * _PAIR_BYTES > limit:
            raise LimitExceeded("a sparse map", f"{limit} bytes")
    return pairs, number(block[_OLD_REAL_SIZE])


def _old_pairs(data: bytes, count: int) -> Map:
    pairs = []
    for start in range(0, count * _PAIR_BYTES, _PAIR_BYTES):
        pair = data[start : start + _PAIR_BYTES]
        if not pair[0]:  # an unused place
            break
        pairs.append((number(pair[:12]), number(pair[12:])))
    return pairs


def from_records(records: list[tuple[bytes, bytes]]) -> Map:
    """The map of PAX 0.0 and 0.1; empty when there is none."""
    numbers: list[int] = []
    for keyword, value in records:
        if keyword in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            numbers.append(pax.parse_integer(value))
        elif keyword == b"GNU.sparse.map":
            numbers = [pax.parse_integer(item) for item in value.split(b",")] if value else []
    return _paired(numbers)


def read_lines(next_block: Callable[[], bytes], limit: int) -> tuple[Map, int]:
    """The map of PAX 1.0 and the bytes of data that it took (whole blocks)."""
    buffer, position, taken = b"", 0, 0

    def line() -> int:
        nonlocal buffer, position, taken
        while (end := buffer.find(b"\n", position)) < 0:
            if len(buffer) - position > _LINE_BYTES:
                raise BadTar("sparse map is not decimal lines")
            buffer, position, taken = buffer[position:] + next_block(), 0, taken + BLOCK_BYTES
            if taken > limit:
                raise LimitExceeded("a sparse map", f"{limit} bytes")
        value, position = buffer[position:end], end + 1
        return pax.parse_integer(value)

    pairs = _paired([line() for _ in range(2 * _checked_count(line(), limit))])
    return pairs, taken


def _checked_count(count: int, limit: int) -> int:
    if not 0 <= count <= limit:
        raise LimitExceeded("a sparse map", f"{limit} bytes")
    return count


def _paired(numbers: list[int]) -> Map:
    if len(numbers) % 2:
        raise BadTar("sparse map has an odd number of values")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def validate(pairs: Map, real_size: int, stored: int) -> Map:
    """Check order, bounds and sum of a map, and drop its empty pieces. Raises BadTar."""
    end = total = 0
    for offset, length in pairs:
        if offset < end or length < 0 or offset + length > real_size:
            raise BadTar("sparse map is out of order or out of bounds")
        end, total = offset + length, total + length
    if total != stored:
        raise BadTar(f"sparse map has {total} bytes, the archive {stored}")
    return [pair for pair in pairs if pair[1]]
