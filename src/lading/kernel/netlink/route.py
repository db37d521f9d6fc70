"""Routes: RTM_NEWROUTE, RTM_DELROUTE and RTM_GETROUTE (man 7 rtnetlink, linux/rtnetlink.h)."""

import socket as sockets
import struct
from typing import NamedTuple

from lading.kernel.netlink import codec
from lading.kernel.netlink.address import pack
from lading.kernel.netlink.socket import NetlinkSocket

RTM_NEWROUTE = 24
RTM_DELROUTE = 25
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
_ANYWHERE = {sockets.AF_INET: "0.0.0.0", sockets.AF_INET6: "::"}


class Route(NamedTuple):
    """A route to a subnet."""

    destination: str  # "0.0.0.0" or "::" with prefix 0 for the default route
    prefix: int
    ifindex: int  # of the interface it leaves by, 0 if the kernel names none
    table: int
    gateway: str = ""


def add_default(gateway: str, *, ifindex: int) -> bytes:
    """Send what has no better route to `gateway`, by the interface `ifindex`.

    The kernel answers ENETUNREACH if the gateway is not on that interface's subnet.
    """
    family, packed = pack(gateway)
    attributes = codec.attribute(RTA_GATEWAY, packed), codec.u32(RTA_OIF, ifindex)
    return _message(RTM_NEWROUTE, _ADD, family, *attributes)


def delete(found: Route) -> bytes:
    """Take a route away that a dump has found."""
    family, packed = pack(found.destination)
    attributes = [codec.u32(RTA_OIF, found.ifindex)] if found.ifindex else []
    if found.prefix:
        attributes.append(codec.attribute(RTA_DST, packed))
    if found.gateway:
        attributes.append(codec.attribute(RTA_GATEWAY, pack(found.gateway)[1]))
    header = _RTMSG.pack(family, found.prefix, 0, 0, found.table, 0, RT_SCOPE_NOWHERE, 0, 0)
    return codec.message(RTM_DELROUTE, 0, header, *attributes)


def dump(socket: NetlinkSocket, family: int = sockets.AF_INET) -> list[Route]:
    """The unicast routes of that family of the socket's namespace, of every table."""
    header = _RTMSG.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    request = codec.message(RTM_GETROUTE, codec.NLM_F_DUMP, header)
    routes = (_parse(body) for _, body in socket.dump(request))
    return [route for route in routes if route is not None]


RT_SCOPE_NOWHERE = 255  # in a deletion: whatever its scope
_ADD = codec.NLM_F_CREATE | codec.NLM_F_EXCL


def _message(
    message_type: int, flags: int, family: int, *attributes: bytes, scope: int = RT_SCOPE_UNIVERSE
) -> bytes:
    header = _RTMSG.pack(family, 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST, 0)
    return codec.message(message_type, flags, header, *attributes)


def _parse(body: bytes) -> Route | None:
    family, prefix, _source, _tos, table, _protocol, _scope, kind, _flags = _RTMSG.unpack_from(body)
    if kind != RTN_UNICAST:
        return None
    found = codec.parse_attributes(body, _RTMSG.size)
    index = struct.unpack("=I", found.get(RTA_OIF, bytes(4)))[0]
    destination, gateway = found.get(RTA_DST), found.get(RTA_GATEWAY)
    return Route(
        sockets.inet_ntop(family, destination) if destination else _ANYWHERE[family],
        prefix,
        index,
        table,
        sockets.inet_ntop(family, gateway) if gateway else "",
    )
