"""The words of a rule: load something into a register, compare or look it up, say the verdict.

A rule is evaluated from left to right and stops at the first word that does not match. There are
16 registers of 4 bytes; what is loaded together lies side by side from the first on, each field in
registers of its own, and is so the key of a set of concatenated types (`load`, then `in_set`).
Source: linux/netfilter/nf_tables.h; `nft --debug=netlink` prints rules in the same words.
"""

import struct
import sys
from collections.abc import Callable
from typing import NamedTuple

from lading.kernel.netlink import codec

NFT_REG_VERDICT = 0
NFT_REG32_00 = 8
REGISTER_BYTES = 4

NFT_META_IIFNAME = 6
NFT_META_OIFNAME = 7
NFT_META_L4PROTO = 16
NFT_META_IIFKIND = 26
NFT_META_OIFKIND = 27
NFT_CT_STATE = 0
NFT_CT_STATUS = 2
NFT_PAYLOAD_NETWORK_HEADER = 1
NFT_PAYLOAD_TRANSPORT_HEADER = 2
NFT_CMP_EQ = 0
NFT_CMP_NEQ = 1
NFT_LOOKUP_F_INV = 1
NFT_NAT_DNAT = 1
NFT_FIB_RESULT_ADDRTYPE = 3
NFTA_FIB_F_DADDR = 1 << 1
RTN_LOCAL = 2  # linux/rtnetlink.h: an address of this host

NF_DROP = 0
NF_ACCEPT = 1
NFT_JUMP = -3
NFT_RETURN = -5

# conntrack states and status as bits (linux/netfilter/nf_conntrack_common.h)
CT_STATE_ESTABLISHED = 1 << 1
CT_STATE_RELATED = 1 << 2
IPS_DST_NAT = 1 << 5

_IFNAMSIZ = 16
_LIST_ELEM = 1
_EXPR_NAME, _EXPR_DATA = 1, 2
_DATA_VALUE, _DATA_VERDICT = 1, 2
_VERDICT_CODE, _VERDICT_CHAIN = 1, 2


class Field(NamedTuple):
    """Something of a packet that can be loaded: the registers that it fills, and how."""

    registers: int
    into: Callable[[int], bytes]


def be32(attribute_type: int, value: int) -> bytes:
    """An attribute that is a number of 32 bits in network order, as nfnetlink wants them."""
    return codec.attribute(attribute_type, struct.pack(">I", value & 0xFFFFFFFF))


def load(*fields: Field) -> bytes:
    """Load the fields side by side."""
    register = NFT_REG32_00
    words = []
    for field in fields:
        words.append(field.into(register))
        register += field.registers
    return b"".join(words)


def _meta(key: int, registers: int) -> Field:
    # NFTA_META_DREG, _KEY
    return Field(registers, lambda to: _expression("meta", be32(1, to), be32(2, key)))


def _payload(base: int, offset: int, length: int) -> Field:
    def into(register: int) -> bytes:
        # NFTA_PAYLOAD_DREG, _BASE, _OFFSET, _LEN
        words = (be32(1, register), be32(2, base), be32(3, offset), be32(4, length))
        return _expression("payload", *words)

    return Field(-(-length // REGISTER_BYTES), into)


INPUT_INTERFACE = _meta(NFT_META_IIFNAME, _IFNAMSIZ // REGISTER_BYTES)
OUTPUT_INTERFACE = _meta(NFT_META_OIFNAME, _IFNAMSIZ // REGISTER_BYTES)
PROTOCOL = _meta(NFT_META_L4PROTO, 1)
# the same place in the headers of TCP, UDP and SCTP
DESTINATION_PORT = _payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2)
IPV4_SOURCE = _payload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4)  # RFC 791
IPV4_DESTINATION = _payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4)
IPV6_SOURCE = _payload(NFT_PAYLOAD_NETWORK_HEADER, 8, 16)  # RFC 8200
IPV6_DESTINATION = _payload(NFT_PAYLOAD_NETWORK_HEADER, 24, 16)


def is_interface(field: Field, name: str, *, invert: bool = False) -> bytes:
    """Go on if the input or output interface has that name, or with `invert` another."""
    value = name.encode().ljust(_IFNAMSIZ, b"\0")
    return load(field) + _compare(NFT_CMP_NEQ if invert else NFT_CMP_EQ, value)


def starts_with(base_offset: int, prefix: bytes) -> bytes:
    """Go on if the bytes from that offset of the IP header are these."""
    field = _payload(NFT_PAYLOAD_NETWORK_HEADER, base_offset, len(prefix))
    return load(field) + _compare(NFT_CMP_EQ, prefix)


def has_protocol(number: int) -> bytes:
    """Go on if the packet is of that transport protocol (IPPROTO_ numbers)."""
    return load(PROTOCOL) + _compare(NFT_CMP_EQ, bytes([number]))


def differs(field: Field, value: bytes) -> bytes:
    """Go on if the field is not this."""
    return load(field) + _compare(NFT_CMP_NEQ, value)


def input_is_virtual() -> bytes:
    """Go on if the packet came by a link with a kind: bridge, veth, wireguard, vlan, ..."""
    return _has_kind(NFT_META_IIFKIND)


def output_is_virtual() -> bytes:
    """Go on if the packet leaves by a link with a kind."""
    return _has_kind(NFT_META_OIFKIND)


def is_for_this_host() -> bytes:
    """Go on if the destination is an address of this host, as its routes say."""
    look = _expression(
        "fib",
        be32(1, NFT_REG32_00),  # NFTA_FIB_DREG, _RESULT, _FLAGS
        be32(2, NFT_FIB_RESULT_ADDRTYPE),
        be32(3, NFTA_FIB_F_DADDR),
    )
    return look + _compare(NFT_CMP_EQ, RTN_LOCAL.to_bytes(4, sys.byteorder))


def in_set(name: str, *, invert: bool = False) -> bytes:
    """Go on if what was loaded is in the set, or with `invert` if it is not."""
    flags = (be32(5, NFT_LOOKUP_F_INV),) if invert else ()  # NFTA_LOOKUP_FLAGS
    return _expression("lookup", codec.string(1, name), be32(2, NFT_REG32_00), *flags)


def mapped_by(name: str) -> bytes:
    """Load what the map has for what was loaded; go on if it has something."""
    # NFTA_LOOKUP_SET, _SREG, _DREG
    registers = (be32(2, NFT_REG32_00), be32(3, NFT_REG32_00))
    return _expression("lookup", codec.string(1, name), *registers)


def dnat(family: int, address_registers: int) -> bytes:
    """Send the connection to the address and the port behind it that were loaded."""
    return _expression(
        "nat",
        be32(1, NFT_NAT_DNAT),  # NFTA_NAT_TYPE, _FAMILY, _REG_ADDR_MIN, _REG_PROTO_MIN
        be32(2, family),
        be32(3, NFT_REG32_00),
        be32(5, NFT_REG32_00 + address_registers),
    )


def connection_state(states: int) -> bytes:
    """Go on if the packet's connection is in one of these states (CT_STATE_ bits)."""
    return _connection_has(NFT_CT_STATE, states)


def is_redirected() -> bytes:
    """Go on if the packet's connection had its destination changed (DNAT)."""
    return _connection_has(NFT_CT_STATUS, IPS_DST_NAT)


def count() -> bytes:
    """Count packets and bytes."""
    return _expression("counter")


def verdict(code: int) -> bytes:
    """End the chain with NF_ACCEPT or NF_DROP, or go back with NFT_RETURN."""
    return _verdict(be32(_VERDICT_CODE, code))


def jump(chain: str) -> bytes:
    """Go through another chain of the table, and come back."""
    return _verdict(be32(_VERDICT_CODE, NFT_JUMP), codec.string(_VERDICT_CHAIN, chain))


def masquerade() -> bytes:
    """Give the packet the address of the interface by which it leaves."""
    return _expression("masq")


def _verdict(*attributes: bytes) -> bytes:
    data = codec.nested(2, codec.nested(_DATA_VERDICT, *attributes))
    return _expression("immediate", be32(1, NFT_REG_VERDICT), data)


def _connection_has(key: int, bits: int) -> bytes:
    mask = bits.to_bytes(4, sys.byteorder)  # conntrack's bits are a number in host order
    return b"".join(
        (
            _expression("ct", be32(1, NFT_REG32_00), be32(2, key)),
            _expression(
                "bitwise",
                be32(1, NFT_REG32_00),  # NFTA_BITWISE_SREG, _DREG, _LEN, _MASK, _XOR
                be32(2, NFT_REG32_00),
                be32(3, 4),
                _value(4, mask),
                _value(5, bytes(4)),
            ),
            _compare(NFT_CMP_NEQ, bytes(4)),
        )
    )


def _has_kind(key: int) -> bytes:
    # hardware has no kind: loading it fails, which ends the rule; any other kind differs from ""
    return load(_meta(key, 4)) + _compare(NFT_CMP_NEQ, bytes(_IFNAMSIZ))


def _compare(operator: int, value: bytes) -> bytes:
    # NFTA_CMP_SREG, _OP, _DATA
    return _expression("cmp", be32(1, NFT_REG32_00), be32(2, operator), _value(3, value))


def _value(attribute_type: int, data: bytes) -> bytes:
    return codec.nested(attribute_type, codec.attribute(_DATA_VALUE, data))


def _expression(name: str, *attributes: bytes) -> bytes:
    return codec.nested(
        _LIST_ELEM, codec.string(_EXPR_NAME, name), codec.nested(_EXPR_DATA, *attributes)
    )
