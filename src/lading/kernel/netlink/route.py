"""Routes: RTM_NEWROUTE and RTM_GETROUTE for IPv4 (man 7 rtnetlink, linux/rtnetlink.h)."""

import socket as sockets
import struct
from typing import NamedTuple

from lading.kernel.netlink import codec
from lading.kernel.netlink.socket import NetlinkSocket

RTM_NEWROUTE = 24
RTM_GETROUTE = 26

RTA_DST = 1
RTA_OIF = 4
RTA_GATEWAY = 5

RT_TABLE_MAIN = 254
RTPROT_BOOT = 3
RT_SCOPE_UNIVERSE = 0
RTN_UNICAST = 1

# family, destination prefix, source prefix, TOS, table, protocol, scope, type, flags
_RTMSG = struct.Struct("=BBBBBBBBI")


class Route(NamedTuple):
    """An IPv4 route to a subnet."""

    destination: str  # "0.0.0.0" with prefix 0 for the default route
    prefix: int
    ifindex: int  # of the interface it leaves by, 0 if the kernel names none
    table: int


def add_default(gateway: str, *, ifindex: int) -> bytes:
    """Send what has no better route to `gateway`, by the interface `ifindex`.

    The kernel answers ENETUNREACH if the gateway is not on that interface's subnet.
    """
    return codec.message(
        RTM_NEWROUTE,
        codec.NLM_F_CREATE | codec.NLM_F_EXCL,
        _RTMSG.pack(
            sockets.AF_INET, 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST, 0
        ),
        codec.attribute(RTA_GATEWAY, sockets.inet_aton(gateway)),
        codec.u32(RTA_OIF, ifindex),
    )


def dump(socket: NetlinkSocket) -> list[Route]:
    """The unicast IPv4 routes of the socket's namespace, of every table."""
    header = _RTMSG.pack(sockets.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
    request = codec.message(RTM_GETROUTE, codec.NLM_F_DUMP, header)
    routes = (_parse(body) for _, body in socket.dump(request))
    return [route for route in routes if route is not None]


def _parse(body: bytes) -> Route | None:
    _family, prefix, _source, _tos, table, _protocol, _scope, kind, _flags = _RTMSG.unpack_from(
        body
    )
    if kind != RTN_UNICAST:
        return None
    found = codec.parse_attributes(body, _RTMSG.size)
    index = struct.unpack("=I", found.get(RTA_OIF, bytes(4)))[0]
    return Route(sockets.inet_ntoa(found.get(RTA_DST, bytes(4))), prefix, index, table)
