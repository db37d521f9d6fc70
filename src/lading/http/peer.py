"""Who is on the other side: the kernel's word on unix sockets, a certificate on TLS.

A certificate whose subject has the organizational unit READ_ONLY may look and not touch; any other
that the authority signed may do everything.
"""

import asyncio
import socket
import struct
from typing import NamedTuple

READ_ONLY = "read-only"


class Peer(NamedTuple):
    """`name` is a certificate's common name; `uid`, `pid` are None where the kernel cannot say."""

    kind: str  # unix, tcp or tls
    name: str = ""
    is_read_only: bool = False
    uid: int | None = None
    pid: int | None = None
    address: str = ""


def peer_of(transport: asyncio.Transport) -> Peer:
    """Asked per request: a connection may wait long before its first."""
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.family == socket.AF_UNIX:
        return _unix(raw)
    address = transport.get_extra_info("peername")
    text = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else ""
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return Peer("tcp", address=text)
    certificate = tls.getpeercert() or {}
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    name = next((value for key, value in subject if key == "commonName"), "")
    units = [value for key, value in subject if key == "organizationalUnitName"]
    return Peer("tls", name, READ_ONLY in units, address=text)


def _unix(raw: socket.socket) -> Peer:
    try:
        data = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return Peer("unix")
    pid, uid, _ = struct.unpack("3i", data)
    return Peer("unix", uid=uid, pid=pid)
