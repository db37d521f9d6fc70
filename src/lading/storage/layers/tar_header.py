"""The 512-byte header block: fields, numbers, checksum. Reading and writing.

    0 name  100 mode  108 uid  116 gid  124 size  136 mtime  148 chksum  156 type  157 link
    257 magic  263 version  265 uname  297 gname  329 devmajor  337 devminor  345 prefix

Sources: POSIX.1-2017 pax ("ustar Interchange Format"); GNU tar manual, "Basic Tar Format".
"""

import struct
import zlib

from lading import errors
from lading.storage.layers.tar_entry import BLOCK, CHARACTER, REGULAR

BLOCK_BYTES = 512
KIND = slice(156, 157)  # where the type flag stands
ZERO_BLOCK = bytes(BLOCK_BYTES)
USTAR_MAGIC = b"ustar\x0000"
GNU_MAGIC = b"ustar  \0"
_OWNER_CACHE_ENTRIES = 4096
_NO_SIZE = b"00000000000\0"
_NO_DEVICE = (0, 0)
_DEVICES = (CHARACTER, BLOCK)
_TERMINATORS = b"\0 "
_ADLER_MODULUS = 65521  # RFC 1950, section 8.2
_FIELDS = struct.Struct("100s24s12s12s8sc100s8s64s16s155s12s")


class BadTar(errors.InvalidArgument):
    """invalid tar archive: {0}"""


class Header:
    """A decoded block; `kind` is the raw type flag, numbers are integers, names end at NUL."""

    __slots__ = ("block", "device", "gid", "kind", "link", "mode", "mtime_s", "name", "size", "uid")

    name: bytes
    kind: bytes
    link: bytes
    size: int
    mode: int
    uid: int
    gid: int
    mtime_s: int
    device: tuple[int, int]
    block: bytes


_owners: dict[bytes, tuple[int, int, int]] = {}  # mode, uid, gid: few distinct ones in an image


def decode(block: bytes) -> Header:
    """Decode a block that is not all zeros. Raises BadTar."""
    name, owner, size, mtime, chksum, kind, link, magic, _, devices, prefix, trailer = (
        _FIELDS.unpack(block)
    )
    _verify(block, chksum)
    header = Header()
    header.block = block
    header.kind = kind
    header.name = name.partition(b"\0")[0]
    header.link = link.partition(b"\0")[0] if link[0] else b""
    header.size = number(size) if size != _NO_SIZE else 0
    header.mtime_s = number(mtime)
    header.mode, header.uid, header.gid = _owners.get(owner) or _owner(owner)
    header.device = _NO_DEVICE
    if header.size < 0:
        raise BadTar("negative size")
    if kind in _DEVICES:
        header.device = (number(devices[:8]), number(devices[8:]))
    # In GNU's own format (another magic) the place of the prefix holds times and sparse maps.
    if prefix[0] and magic == USTAR_MAGIC:
        if trailer[8:] == b"tar\0":  # star: 131 bytes of prefix, then atime and ctime
            prefix = prefix[:131]
        header.name = prefix.partition(b"\0")[0] + b"/" + header.name
    return header


def decode_size(block: bytes) -> int:
    """The size alone, for extended headers, whose other fields mean nothing. Raises BadTar."""
    _verify(block, block[148:156])
    size = number(block[124:136])
    if size < 0:
        raise BadTar("negative size")
    return size


def number(field: bytes) -> int:
    """A numeric field: octal text, or base-256 when the top bit is set (GNU). Raises BadTar."""
    digits = field[:-1]
    if digits.isdigit() and field[-1] in _TERMINATORS:  # as nearly all writers do
        try:
            return int(digits, 8)
        except ValueError:
            raise BadTar(f"not an octal number: {field!r}") from None
    if field[0] & 0x80:
        return _base256(field)
    digits = field.strip(b"\0 ")
    if not digits.isdigit():
        digits = digits.partition(b"\0")[0].rstrip(b" ") or b"0"
    try:
        if digits.isdigit():  # int() alone would take "1_0", "+1" and "-1"
            return int(digits, 8)
    except ValueError:
        pass
    raise BadTar(f"not an octal number: {field!r}")


def _base256(field: bytes) -> int:
    """Two's complement without the marker bit, big endian."""
    value = int.from_bytes(field, "big")
    bits = len(field) * 8
    if field[0] & 0x40:  # the sign
        return value - (1 << bits)
    return value - (1 << (bits - 1))


def _owner(field: bytes) -> tuple[int, int, int]:
    owner = (number(field[:8]) & 0o7777, number(field[8:16]), number(field[16:]))
    if len(_owners) >= _OWNER_CACHE_ENTRIES:
        _owners.clear()
    _owners[field] = owner
    return owner


def _verify(block: bytes, chksum: bytes) -> None:
    """Check the sum of all bytes with the checksum field as blanks.

    adler32's lower half is that sum plus one, modulo 65521, at a tenth of the cost of sum().
    Archives of old Unixes summed signed bytes: those, and errors, take the slow way.
    """
    expected = number(chksum[:7]) - 8 * 32  # writers end it with a NUL and a blank
    total = expected + sum(chksum)
    if (zlib.adler32(block) & 0xFFFF) == (total + 1) % _ADLER_MODULUS:
        return
    rest = block[:148] + block[156:]
    if expected not in (sum(rest), sum(byte - 256 if byte > 127 else byte for byte in rest)):
        raise BadTar("header checksum does not match")


def encode(
    name: bytes,
    kind: bytes = REGULAR,
    *,
    size: int = 0,
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    mtime_s: int = 0,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> bytes:
    """A ustar block. Names are cut at 100 bytes and numbers clamped: PAX carries what is lost."""
    block = _FIELDS.pack(
        name[:100],
        b"%07o\0%07o\0%07o\0" % (mode, _clamp(uid, 7), _clamp(gid, 7)),
        b"%011o\0" % _clamp(size, 11),
        b"%011o\0" % _clamp(mtime_s, 11),
        b" " * 8,
        kind,
        link[:100],
        USTAR_MAGIC,
        b"",
        b"%07o\0%07o\0" % (_clamp(device[0], 7), _clamp(device[1], 7)),
        b"",
        b"",
    )
    return b"%b%06o\0 %b" % (block[:148], sum(block), block[156:])


def fits(value: int, digits: int) -> bool:
    """Whether a number can stand in a ustar field of so many octal digits."""
    return 0 <= value < 1 << 3 * digits


def _clamp(value: int, digits: int) -> int:
    return value if fits(value, digits) else 0
