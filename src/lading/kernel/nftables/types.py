"""Types of set keys and of what maps hold: their length, and how nft names them.

The kernel compares bytes; nft's numbers (nftables, src/datatype.c) let `nft list ruleset` print
them. Fields of a concatenation start in a register of their own each, so they are padded to four
bytes; the type of a concatenation is that of its fields, six bits each.
"""

from typing import NamedTuple

_HOST_ORDER, _BIG_ENDIAN = 1, 2  # enum byteorder of nft, kept in the set's user data
_INTERFACE_NAME_SIZE = 16  # IFNAMSIZ


class Type(NamedTuple):
    """One type, or several side by side: `lengths` has one for each field."""

    number: int
    lengths: tuple[int, ...]
    byte_order: int

    @property
    def size(self) -> int:
        """Bytes of a value, padding included where there are several fields."""
        if len(self.lengths) == 1:
            return self.lengths[0]
        return sum(length + -length % 4 for length in self.lengths)


def concatenated(*types: Type) -> Type:
    """The type of values of these types side by side."""
    number = 0
    for one in types:
        number = number << 6 * len(one.lengths) | one.number
    return Type(number, tuple(length for one in types for length in one.lengths), 0)


IPV4_ADDRESS = Type(7, (4,), _BIG_ENDIAN)
IPV6_ADDRESS = Type(8, (16,), _BIG_ENDIAN)
PROTOCOL = Type(12, (1,), _BIG_ENDIAN)
PORT = Type(13, (2,), _BIG_ENDIAN)
INTERFACE = Type(41, (_INTERFACE_NAME_SIZE,), _HOST_ORDER)
INTERFACE_PAIR = concatenated(INTERFACE, INTERFACE)


def packed(*fields: bytes) -> bytes:
    """Fields side by side, each padded to a register."""
    return b"".join(field + bytes(-len(field) % 4) for field in fields)


def interface(name: str) -> bytes:
    """A value of INTERFACE."""
    return name.encode().ljust(_INTERFACE_NAME_SIZE, b"\0")


def protocol(number: int) -> bytes:
    """A value of PROTOCOL, by its IPPROTO_ number."""
    return bytes([number])


def port(number: int) -> bytes:
    """A value of PORT."""
    return number.to_bytes(2, "big")
