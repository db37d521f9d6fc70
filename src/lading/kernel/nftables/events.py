"""What changes in nf_tables, told by the kernel as it happens (group NFNLGRP_NFTABLES).

Each message carries the port of the socket that asked for the change, so that one's own changes
can be told from those of others. Source: linux/netfilter/nfnetlink.h, nf_tables_api.c.
"""

import socket as sockets
from typing import NamedTuple

from lading.kernel.netlink import codec
from lading.kernel.netlink.socket import NETLINK_NETFILTER, SOL_NETLINK
from lading.kernel.nftables.messages import (
    NFNL_SUBSYS_NFTABLES,
    NFT_MSG_DELCHAIN,
    NFT_MSG_DELRULE,
    NFT_MSG_DELSET,
    NFT_MSG_DELSETELEM,
    NFT_MSG_DELTABLE,
    NFT_MSG_NEWGEN,
)

NETLINK_ADD_MEMBERSHIP = 1
NFNLGRP_NFTABLES = 7
DELETIONS = frozenset(
    [NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE, NFT_MSG_DELSET, NFT_MSG_DELSETELEM]
)
_BUFFER = 1 << 16
_NFGENMSG_SIZE = 4


class Event(NamedTuple):
    """One change: what (NFT_MSG_...), in which table, asked for by the socket of which port."""

    message_type: int
    family: int
    table: str
    port: int


class Events:
    """A socket that hears of every change in the caller's present network namespace."""

    def __init__(self) -> None:
        """Raises OSError if the kernel has no nfnetlink."""
        flags = sockets.SOCK_RAW | sockets.SOCK_CLOEXEC | sockets.SOCK_NONBLOCK
        self._socket = sockets.socket(sockets.AF_NETLINK, flags, NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES)

    def fileno(self) -> int:
        """For a poll: readable when something has changed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop listening; twice is harmless."""
        self._socket.close()

    def read(self) -> list[Event]:
        """What has changed since the last call; never waits.

        Raises OSError ENOBUFS when there was more than the socket could hold: anything may have
        changed.
        """
        found: list[Event] = []
        while True:
            try:
                data = self._socket.recv(_BUFFER)
            except BlockingIOError:
                return found
            found += [event for event in map(_event, codec.split(data)) if event]


def _event(message: bytes) -> Event | None:
    _length, kind, _flags, _sequence, port = codec.HEADER.unpack_from(message)
    if kind >> 8 != NFNL_SUBSYS_NFTABLES or kind & 0xFF == NFT_MSG_NEWGEN:
        return None
    body = message[codec.HEADER.size :]
    names = codec.parse_attributes(body, _NFGENMSG_SIZE)
    return Event(kind & 0xFF, body[0], codec.text(names.get(1, b"")), port)
