"""Sending a batch to nf_tables, and the little that is ever read back."""

import errno
import struct
from collections.abc import Sequence
from typing import NamedTuple

from lading.kernel.netlink import codec
from lading.kernel.netlink.socket import NetlinkSocket
from lading.kernel.nftables.messages import (
    NFNL_SUBSYS_NFTABLES,
    NFPROTO_IPV4,
    NFT_MSG_GETRULE,
    NFT_MSG_GETSETELEM,
)

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


class Rule(NamedTuple):
    """A rule of a chain, in order: its handle, by which it is deleted, and its comment."""

    handle: int
    comment: str


def commit(socket: NetlinkSocket, messages: Sequence[bytes]) -> None:
    """Carry out all messages or none. Raises OSError with the kernel's words."""
    socket.batch(_BEGIN, list(messages), _END)


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


def list_rules(
    socket: NetlinkSocket, table: str, chain: str, family: int = NFPROTO_IPV4
) -> list[Rule]:
    """The rules of a chain; none if there is no such chain."""
    names = codec.string(1, table) + codec.string(2, chain)
    found = []
    for body in _dump(socket, NFT_MSG_GETRULE, family, names):
        rule = codec.parse_attributes(body, _NFGENMSG.size)
        if codec.text(rule[1]) == table and codec.text(rule[2]) == chain:
            found.append(Rule(int.from_bytes(rule[3], "big"), _comment(rule.get(7, b""))))
    return found


def list_keys(
    socket: NetlinkSocket, table: str, set_name: str, family: int = NFPROTO_IPV4
) -> list[bytes]:
    """The keys of a set's or a map's elements; none if there is no such set."""
    names = codec.string(1, table) + codec.string(2, set_name)
    found = []
    for body in _dump(socket, NFT_MSG_GETSETELEM, family, names):
        listed = codec.parse_attributes(body, _NFGENMSG.size).get(3, b"")
        for one in codec.parse_list(listed):
            key = codec.parse_attributes(one)[1]
            found.append(codec.parse_attributes(key)[1])
    return found


def _comment(user_data: bytes) -> str:
    """The comment in a rule's user data: type, length, text."""
    if len(user_data) < 2 or user_data[0] != 0:
        return ""
    return codec.text(user_data[2 : 2 + user_data[1]])


def _dump(
    socket: NetlinkSocket, message_type: int, family: int, attributes: bytes = b""
) -> list[bytes]:
    header = _NFGENMSG.pack(family, 0, 0)
    kind = NFNL_SUBSYS_NFTABLES << 8 | message_type
    request = codec.message(kind, codec.NLM_F_DUMP, header, attributes)
    try:
        return [body for _, body in socket.dump(request)]
    except OSError as error:
        if error.errno == errno.ENOENT:
            return []
        raise
