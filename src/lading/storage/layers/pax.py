"""PAX extended headers: records of "LENGTH KEYWORD=VALUE\\n" before the member that they describe.

Source: POSIX.1-2017 pax, "pax Extended Header"; xattr keywords are star's (SCHILY.xattr.NAME, raw
bytes) and libarchive's (LIBARCHIVE.xattr.NAME, name URL-encoded, value base64).
"""

import base64
import binascii
from urllib.parse import unquote_to_bytes

from lading.storage.layers.tar_header import BadTar

SCHILY_XATTR = b"SCHILY.xattr."
LIBARCHIVE_XATTR = b"LIBARCHIVE.xattr."
_NANOSECONDS = 1_000_000_000
_TEXT = (b"path", b"linkpath")  # a NUL in one of these would end it early in the kernel


def parse(data: bytes) -> list[tuple[bytes, bytes]]:
    """Records in order; sparse maps repeat keywords, so this is no dict. Raises BadTar."""
    records = []
    position, end = 0, len(data)
    while position < end:
        if not data[position]:  # some writers count the padding in
            break
        blank = data.find(b" ", position, position + 20)
        digits = data[position : max(blank, position)]
        if not digits.isdigit():
            raise BadTar("PAX record without a length")
        stop = position + int(digits)
        keyword, equals, value = data[blank + 1 : stop - 1].partition(b"=")
        if stop > end or stop <= blank + 1 or data[stop - 1] != 0x0A or not equals:
            raise BadTar("PAX record is cut off")
        if keyword in _TEXT and b"\0" in value:
            raise BadTar(f"NUL in PAX {keyword.decode()}")
        records.append((keyword, value))
        position = stop
    return records


def encode(records: list[tuple[bytes, bytes]]) -> bytes:
    """The inverse of `parse`."""
    return b"".join(_record(keyword, value) for keyword, value in records)


def _record(keyword: bytes, value: bytes) -> bytes:
    """The length counts itself: try until adding its digits does not change it."""
    rest = len(keyword) + len(value) + 3  # blank, "=", newline
    length = rest + len(str(rest))
    if len(str(length)) != len(str(rest)):
        length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, keyword, value)


def parse_time_ns(value: bytes) -> int:
    """Seconds since the epoch with an optional fraction, to nanoseconds (rounded down)."""
    whole, _, fraction = value.partition(b".")
    negative = whole.startswith(b"-")
    digits = whole[1:] if negative else whole
    if not (digits or fraction) or not (digits + fraction).isdigit():
        raise BadTar(f"not a PAX time: {value[:40]!r}")
    if len(digits) > 20:
        raise BadTar("PAX time out of range")
    nanoseconds = int(digits or b"0") * _NANOSECONDS + int(fraction[:9].ljust(9, b"0"))
    return -nanoseconds if negative else nanoseconds


def format_time(time_ns: int) -> bytes:
    """The inverse of `parse_time_ns`, without trailing zeros."""
    seconds, fraction = divmod(abs(time_ns), _NANOSECONDS)
    text = b"%d.%09d" % (seconds, fraction) if fraction else b"%d" % seconds
    return (b"-" if time_ns < 0 else b"") + (text.rstrip(b"0") if fraction else text)


def parse_integer(value: bytes) -> int:
    """A decimal number of at most 20 digits, possibly negative."""
    digits = value.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > 20:
        raise BadTar(f"not a PAX number: {value[:40]!r}")
    return int(value)


def xattr_of(keyword: bytes, value: bytes) -> tuple[bytes, bytes] | None:
    """The extended attribute that a record carries, if it carries one."""
    if keyword.startswith(SCHILY_XATTR):
        return keyword[len(SCHILY_XATTR) :], value
    if keyword.startswith(LIBARCHIVE_XATTR):
        try:
            padded = value + b"=" * (-len(value) % 4)
            return unquote_to_bytes(keyword[len(LIBARCHIVE_XATTR) :]), base64.b64decode(padded)
        except binascii.Error:
            raise BadTar("LIBARCHIVE.xattr is not base64") from None
    return None
