"""Which addresses may come: networks as numbers, without the module `ipaddress`."""

from __future__ import annotations

import _socket

_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address in an IPv6 socket, RFC 4291


class Sources:
    """A list of networks; the empty list lets everybody in."""

    __slots__ = ("_networks",)

    def __init__(self, networks: list[str]) -> None:
        """Raises ValueError, OSError for what is no network."""
        self._networks = [_parse(text) for text in networks]

    def allow(self, address: str) -> bool:
        """Whether that address may come; the host's own always may."""
        packed = _packed(address.partition("%")[0])
        if not self._networks or _is_loopback(packed):
            return True
        number = int.from_bytes(packed, "big")
        size = len(packed)
        return any(
            size == length and number >> shift == prefix for length, prefix, shift in self._networks
        )


def _parse(text: str) -> tuple[int, int, int]:
    """Length of an address in bytes, the prefix as a number, and by how much to shift for it."""
    address, slash, bits = text.partition("/")
    packed = _packed(address)
    shift = 8 * len(packed) - int(bits) if slash else 0
    return len(packed), int.from_bytes(packed, "big") >> shift, shift


def _packed(address: str) -> bytes:
    if ":" not in address:
        return _socket.inet_pton(_socket.AF_INET, address)
    packed = _socket.inet_pton(_socket.AF_INET6, address)
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _is_loopback(packed: bytes) -> bool:
    return packed[0] == 127 if len(packed) == 4 else packed == bytes(15) + b"\1"
