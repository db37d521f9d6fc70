"""The words of a rule: load something into a register, compare or look it up, say the verdict.

A rule is evaluated from left to right and stops at the first word that does not match. Registers
1..4 hold 16 bytes each and lie side by side, so a concatenated key fills several from the first on.
Source: linux/netfilter/nf_tables.h; `nft --debug=netlink` prints rules in the same words.
"""

import struct
import sys

from lading.kernel.netlink import codec

NFT_REG_VERDICT = 0
NFT_REG_1 = 1
NFT_REG_2 = 2

NFT_META_IIFNAME = 6
NFT_META_OIFNAME = 7
NFT_META_IIFKIND = 26
NFT_META_OIFKIND = 27
NFT_CT_STATE = 0
NFT_PAYLOAD_NETWORK_HEADER = 1
NFT_CMP_NEQ = 1
NFT_LOOKUP_F_INV = 1

NF_DROP = 0
NF_ACCEPT = 1

IPV4_SOURCE = 12  # offset of the address in the header, RFC 791
# conntrack states as bits (linux/netfilter/nf_conntrack_common.h)
CT_STATE_ESTABLISHED = 1 << 1
CT_STATE_RELATED = 1 << 2

_LIST_ELEM = 1
_EXPR_NAME, _EXPR_DATA = 1, 2
_DATA_VALUE, _DATA_VERDICT = 1, 2
_VERDICT_CODE = 1


def be32(attribute_type: int, value: int) -> bytes:
    """An attribute that is a number of 32 bits in network order, as nfnetlink wants them."""
    return codec.attribute(attribute_type, struct.pack(">I", value))


def input_interface(register: int = NFT_REG_1) -> bytes:
    """Load the name of the interface by which the packet came."""
    return _load_meta(NFT_META_IIFNAME, register)


def output_interface(register: int = NFT_REG_1) -> bytes:
    """Load the name of the interface by which the packet leaves."""
    return _load_meta(NFT_META_OIFNAME, register)


def input_is_virtual() -> bytes:
    """Go on if the packet came by a link with a kind: bridge, veth, wireguard, vlan, ..."""
    return _has_kind(NFT_META_IIFKIND)


def output_is_virtual() -> bytes:
    """Go on if the packet leaves by a link with a kind."""
    return _has_kind(NFT_META_OIFKIND)


def source_address() -> bytes:
    """Load the packet's IPv4 source address."""
    return _expression(
        "payload",
        be32(1, NFT_REG_1),  # NFTA_PAYLOAD_DREG, _BASE, _OFFSET, _LEN
        be32(2, NFT_PAYLOAD_NETWORK_HEADER),
        be32(3, IPV4_SOURCE),
        be32(4, 4),
    )


def in_set(name: str, *, invert: bool = False) -> bytes:
    """Go on if what was loaded is in the set, or with `invert` if it is not."""
    flags = (be32(5, NFT_LOOKUP_F_INV),) if invert else ()  # NFTA_LOOKUP_FLAGS
    return _expression("lookup", codec.string(1, name), be32(2, NFT_REG_1), *flags)


def connection_state(states: int) -> bytes:
    """Go on if the packet's connection is in one of these states (CT_STATE_ bits)."""
    mask = states.to_bytes(4, sys.byteorder)  # conntrack's bits are a number in host order
    return b"".join(
        (
            _expression("ct", be32(1, NFT_REG_1), be32(2, NFT_CT_STATE)),
            _expression(
                "bitwise",
                be32(1, NFT_REG_1),  # NFTA_BITWISE_SREG, _DREG, _LEN, _MASK, _XOR
                be32(2, NFT_REG_1),
                be32(3, 4),
                _value(4, mask),
                _value(5, bytes(4)),
            ),
            _expression("cmp", be32(1, NFT_REG_1), be32(2, NFT_CMP_NEQ), _value(3, bytes(4))),
        )
    )


def verdict(code: int) -> bytes:
    """End the chain with NF_ACCEPT or NF_DROP."""
    data = codec.nested(2, codec.nested(_DATA_VERDICT, be32(_VERDICT_CODE, code)))
    return _expression("immediate", be32(1, NFT_REG_VERDICT), data)


def masquerade() -> bytes:
    """Give the packet the address of the interface by which it leaves."""
    return _expression("masq")


def _has_kind(key: int) -> bytes:
    # hardware has no kind: loading it fails, which ends the rule; any other kind differs from ""
    no_kind = _value(3, bytes(16))
    compare = _expression("cmp", be32(1, NFT_REG_1), be32(2, NFT_CMP_NEQ), no_kind)
    return _load_meta(key, NFT_REG_1) + compare


def _load_meta(key: int, register: int) -> bytes:
    return _expression("meta", be32(1, register), be32(2, key))  # NFTA_META_DREG, _KEY


def _value(attribute_type: int, data: bytes) -> bytes:
    return codec.nested(attribute_type, codec.attribute(_DATA_VALUE, data))


def _expression(name: str, *attributes: bytes) -> bytes:
    return codec.nested(
        _LIST_ELEM, codec.string(_EXPR_NAME, name), codec.nested(_EXPR_DATA, *attributes)
    )
