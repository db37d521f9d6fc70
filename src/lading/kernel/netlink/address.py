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

_IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface index


class Address(NamedTuple):
    """An IPv4 address that an interface has."""

    ifindex: int  # of the interface
    ip: str
    prefix: int


def add(index: int, ip: str, prefix: int) -> bytes:
    """Give the interface that address, with the broadcast address of its subnet.

    The kernel answers EEXIST if the interface has it already.
    """
    packed = sockets.inet_aton(ip)
    host_mask = (1 << (32 - prefix)) - 1
    broadcast = (int.from_bytes(packed, "big") | host_mask).to_bytes(4, "big")
    return codec.message(
        RTM_NEWADDR,
        codec.NLM_F_CREATE | codec.NLM_F_EXCL,
        _IFADDRMSG.pack(sockets.AF_INET, prefix, 0, 0, index),
        codec.attribute(IFA_LOCAL, packed),
        codec.attribute(IFA_ADDRESS, packed),
        codec.attribute(IFA_BROADCAST, broadcast),
    )


def delete(index: int, ip: str, prefix: int) -> bytes:
    """Take the address from the interface."""
    return codec.message(
        RTM_DELADDR,
        0,
        _IFADDRMSG.pack(sockets.AF_INET, prefix, 0, 0, index),
        codec.attribute(IFA_LOCAL, sockets.inet_aton(ip)),
    )


def dump(socket: NetlinkSocket) -> list[Address]:
    """Every IPv4 address of the socket's namespace."""
    header = _IFADDRMSG.pack(sockets.AF_INET, 0, 0, 0, 0)
    request = codec.message(RTM_GETADDR, codec.NLM_F_DUMP, header)
    return [_parse(body) for _, body in socket.dump(request)]


def _parse(body: bytes) -> Address:
    _family, prefix, _flags, _scope, index = _IFADDRMSG.unpack_from(body)
    found = codec.parse_attributes(body, _IFADDRMSG.size)
    # on a point-to-point link IFA_ADDRESS is the other side; IFA_LOCAL is always ours
    packed = found.get(IFA_LOCAL) or found[IFA_ADDRESS]
    return Address(index, sockets.inet_ntoa(packed), prefix)
