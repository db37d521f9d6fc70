"""Connection tracking (ctnetlink): forgetting flows, so that the next packet is looked at anew.

A flow of datagrams has no end: as long as it lasts it goes where its first packet went, whatever
the rules say since. Source: linux/netfilter/nfnetlink_conntrack.h.
"""

import errno
import struct

from lading.kernel.netlink import codec
from lading.kernel.netlink.socket import NetlinkSocket

NFNL_SUBSYS_CTNETLINK = 1
IPCTNL_MSG_CT_GET = 1
IPCTNL_MSG_CT_DELETE = 2
CTA_TUPLE_ORIG = 1
CTA_ID = 12
CTA_ZONE = 18
CTA_FILTER = 25
CTA_TUPLE_PROTO = 2
CTA_PROTO_NUM = 1
CTA_PROTO_DST_PORT = 3
CTA_FILTER_ORIG_FLAGS = 1
CTA_FILTER_REPLY_FLAGS = 2
_BY_PROTOCOL, _BY_DESTINATION_PORT = 1 << 3, 1 << 5  # CTA_FILTER_F_CTA_PROTO_NUM, _DST_PORT

_NFGENMSG = struct.Struct(">BBH")
_FAMILIES = {4: 2, 6: 10}  # NFPROTO_IPV4, NFPROTO_IPV6


def forget(socket: NetlinkSocket, *, version: int, protocol: int, port: int) -> int:
    """Delete the flows to that port of any address; how many there were. Raises OSError.

    Only those are read: the kernel filters by the first packet's destination port.
    """
    family = _FAMILIES[version]
    header = _NFGENMSG.pack(family, 0, 0)
    selected = codec.nested(
        CTA_TUPLE_PROTO,
        codec.attribute(CTA_PROTO_NUM, bytes([protocol])),
        codec.attribute(CTA_PROTO_DST_PORT, struct.pack(">H", port)),
    )
    flags = codec.nested(
        CTA_FILTER,
        codec.u32(CTA_FILTER_ORIG_FLAGS, _BY_PROTOCOL | _BY_DESTINATION_PORT),
        codec.u32(CTA_FILTER_REPLY_FLAGS, 0),
    )
    kind = NFNL_SUBSYS_CTNETLINK << 8
    request = codec.message(
        kind | IPCTNL_MSG_CT_GET,
        codec.NLM_F_DUMP,
        header,
        codec.nested(CTA_TUPLE_ORIG, selected),
        flags,
    )
    count = 0
    for _, body in socket.dump(request):
        flow = codec.parse_attributes(body, _NFGENMSG.size)
        named = [
            codec.attribute(which | codec.NLA_F_NESTED * (which == CTA_TUPLE_ORIG), flow[which])
            for which in (CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID)
            if which in flow
        ]
        try:
            socket.request(codec.message(kind | IPCTNL_MSG_CT_DELETE, 0, header, *named))
        except OSError as error:
            if error.errno != errno.ENOENT:  # it has just ended by itself
                raise
        count += 1
    return count
