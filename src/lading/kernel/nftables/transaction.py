"""Sending a batch to nf_tables, and the little that is ever read back."""

import errno
import struct
from typing import NamedTuple

from lading.kernel.netlink import codec
from lading.kernel.netlink.socket import NetlinkSocket
from lading.kernel.nftables.messages import NFNL_SUBSYS_NFTABLES, NFPROTO_IPV4

NFNL_MSG_BATCH_BEGIN = 16
NFNL_MSG_BATCH_END = 17
NFT_MSG_GETTABLE = 1
NFT_MSG_GETCHAIN = 4

_NFGENMSG = struct.Struct(">BBH")
_BATCH = _NFGENMSG.pack(0, 0, NFNL_SUBSYS_NFTABLES)
_BEGIN = codec.message(NFNL_MSG_BATCH_BEGIN, 0, _BATCH)
_END = codec.message(NFNL_MSG_BATCH_END, 0, _BATCH)


class ChainPolicy(NamedTuple):
    """A base chain and what it does with packets that no rule of it decides."""

    table: str
    chain: str
    hook: int
    policy: int


def commit(socket: NetlinkSocket, messages: list[bytes]) -> None:
    """Carry out all messages or none. Raises OSError with the kernel's words."""
    socket.batch(_BEGIN, messages, _END)


def list_tables(socket: NetlinkSocket, family: int = NFPROTO_IPV4) -> list[str]:
    """The names of the family's tables."""
    found = (
        codec.parse_attributes(body, _NFGENMSG.size)
        for body in _dump(socket, NFT_MSG_GETTABLE, family)
    )
    return [codec.text(attributes[1]) for attributes in found]


def chain_policies(socket: NetlinkSocket, family: int = NFPROTO_IPV4) -> list[ChainPolicy]:
    """The base chains of every table of the family, other programs' tables included."""
    policies = []
    for body in _dump(socket, NFT_MSG_GETCHAIN, family):
        chain = codec.parse_attributes(body, _NFGENMSG.size)
        if 4 not in chain:  # NFTA_CHAIN_HOOK: only base chains have one
            continue
        hook = codec.parse_attributes(chain[4])
        policies.append(
            ChainPolicy(
                codec.text(chain[1]),
                codec.text(chain[3]),
                int.from_bytes(hook[1], "big"),
                int.from_bytes(chain.get(5, b"\0\0\0\1"), "big"),
            )
        )
    return policies


def _dump(socket: NetlinkSocket, message_type: int, family: int) -> list[bytes]:
    header = _NFGENMSG.pack(family, 0, 0)
    request = codec.message(NFNL_SUBSYS_NFTABLES << 8 | message_type, codec.NLM_F_DUMP, header)
    try:
        return [body for _, body in socket.dump(request)]
    except OSError as error:
        if error.errno == errno.ENOENT:
            return []
        raise
