"""Addresses of interfaces: RTM_NEWADDR and RTM_GETADDR (man 7 rtnetlink, linux/if_addr.h)."""

import socket as sockets
import struct
from typing import NamedTuple

from lading.kernel.netlink import codec
from lading.kernel.netlink.socket import NetlinkSocket

RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22

IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_BROADCAST = 4

IFA_F_NODAD = 0x02
RT_SCOPE_UNIVERSE = 0
RT_SCOPE_LINK = 253

_IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface index


class Address(NamedTuple):
    """An address that an interface has."""

    ifindex: int  # of the interface
    ip: str
    prefix: int


def add(index: int, ip: str, prefix: int, *, is_link_local: bool = False) -> bytes:
    """Give the interface that address; IPv4 with the broadcast address of its subnet.

    IPv6 is ready at once: whoever gives addresses here knows that nobody else has this one, and
    need not wait a second for the duplicate address detection. The kernel answers EEXIST if the
    interface has the address already.
    """
    family, packed = pack(ip)
    scope = RT_SCOPE_LINK if is_link_local else RT_SCOPE_UNIVERSE
    attributes = [codec.attribute(IFA_LOCAL, packed), codec.attribute(IFA_ADDRESS, packed)]
    flags = IFA_F_NODAD
    if family == sockets.AF_INET:
        flags = 0
        host_mask = (1 << (32 - prefix)) - 1
        broadcast = (int.from_bytes(packed, "big") | host_mask).to_bytes(4, "big")
        if prefix < 31:
            attributes.append(codec.attribute(IFA_BROADCAST, broadcast))
    return codec.message(
        RTM_NEWADDR,
        codec.NLM_F_CREATE | codec.NLM_F_EXCL,
        _IFADDRMSG.pack(family, prefix, flags, scope, index),
        *attributes,
    )


def delete(index: int, ip: str, prefix: int) -> bytes:
    """Take the address from the interface."""
    family, packed = pack(ip)
    return codec.message(
        RTM_DELADDR,
        0,
        _IFADDRMSG.pack(family, prefix, 0, 0, index),
        codec.attribute(IFA_LOCAL, packed),
    )


def dump(socket: NetlinkSocket, family: int = sockets.AF_INET) -> list[Address]:
    """Every address of that family (AF_INET, AF_INET6) of the socket's namespace."""
    header = _IFADDRMSG.pack(family, 0, 0, 0, 0)
    request = codec.message(RTM_GETADDR, codec.NLM_F_DUMP, header)
    return [_parse(body) for _, body in socket.dump(request)]


def pack(ip: str) -> tuple[int, bytes]:
    """The family of an address, and its bytes. Raises OSError if it is none."""
    family = sockets.AF_INET6 if ":" in ip else sockets.AF_INET
    return family, sockets.inet_pton(family, ip)


def _parse(body: bytes) -> Address:
    family, prefix, _flags, _scope, index = _IFADDRMSG.unpack_from(body)
    found = codec.parse_attributes(body, _IFADDRMSG.size)
    # on a point-to-point link IFA_ADDRESS is the other side; IFA_LOCAL is always ours
    packed = found.get(IFA_LOCAL) or found[IFA_ADDRESS]
    return Address(index, sockets.inet_ntop(family, packed), prefix)
