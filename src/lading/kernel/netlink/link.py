"""Links (interfaces): bridges, veth pairs, flags and owner tags. Messages of rtnetlink.

A veth pair is one message: its second end is made in the target namespace under its final name.
Its index cannot be chosen (the kernel heeds one only if the first end's is chosen too), so it is
looked up there, by name and not by a dump.
Layouts: man 7 rtnetlink; linux/if_link.h, linux/veth.h.
"""

import errno
import socket as sockets
import struct
import sys
from typing import NamedTuple

from lading.kernel.netlink import codec
from lading.kernel.netlink.socket import NetlinkSocket

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_GETLINK = 18
RTM_GETNSID = 90

IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_LINK = 5
IFLA_MASTER = 10
IFLA_LINKINFO = 18
IFLA_IFALIAS = 20
IFLA_AF_SPEC = 26
IFLA_NET_NS_FD = 28
IFLA_EXT_MASK = 29
IFLA_NUM_TX_QUEUES = 31
IFLA_NUM_RX_QUEUES = 32
IFLA_LINK_NETNSID = 37
NETNSA_NSID = 1  # linux/net_namespace.h
IFLA_INFO_KIND = 1
IFLA_INFO_DATA = 2
IFLA_INFO_SLAVE_KIND = 4
IFLA_INFO_SLAVE_DATA = 5
IFLA_BRPORT_MODE = 4
IFLA_BRPORT_ISOLATED = 33
VETH_INFO_PEER = 1
IFLA_MACVLAN_MODE = 1
IFLA_IPVLAN_MODE = 1
IFLA_IPVLAN_FLAGS = 2
IFLA_VLAN_ID = 1
IFLA_INET6_ADDR_GEN_MODE = 8
IN6_ADDR_GEN_MODE_NONE = 1

IFF_UP = 0x1
IFNAMSIZ = 16
RTEXT_FILTER_SKIP_STATS = 1 << 3  # half of a link's answer is counters

MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}  # enum macvlan_mode
IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}
IPVLAN_FLAGS = {"bridge": 0, "private": 1, "vepa": 2}

_IFINFOMSG = struct.Struct("=BxHiII")  # family, device type, index, flags, mask of changed flags
# the kernel would make a queue per CPU, each with objects in sysfs, which a veth without XDP never
# uses: 0.15 of 0.7 ms with two CPUs
_ONE_QUEUE = codec.u32(IFLA_NUM_TX_QUEUES, 1) + codec.u32(IFLA_NUM_RX_QUEUES, 1)
_CREATE = codec.NLM_F_CREATE | codec.NLM_F_EXCL
_RTGENMSG = bytes(4)  # family, padded


class Link(NamedTuple):
    """What the kernel says about an interface."""

    ifindex: int
    name: str
    is_up: bool
    mac: str
    mtu: int
    master: int  # index of the bridge it is a port of, 0 for none
    alias: str
    kind: str  # "bridge", "veth", ... ; "" for hardware and loopback
    peer_namespace: int | None = None  # id of the other end's, -1 for one that ends; None: this one


def add_bridge(name: str, *, mac: str, mtu: int) -> bytes:
    """Make a bridge. With a MAC of its own it does not take a new one from each port that joins."""
    return codec.message(
        RTM_NEWLINK,
        _CREATE,
        _header(),
        codec.string(IFLA_IFNAME, name),
        codec.attribute(IFLA_ADDRESS, _mac_bytes(mac)),
        codec.u32(IFLA_MTU, mtu),
        codec.nested(IFLA_LINKINFO, codec.string(IFLA_INFO_KIND, "bridge")),
    )


def add_veth(name: str, *, master: int, mtu: int, peer: bytes) -> bytes:
    """Make a veth pair, both ends down: `name` as a port of `master`, and what `peer` says.

    The kernel answers EEXIST if a name is taken, EINVAL if there is no link `master`.
    """
    return codec.message(
        RTM_NEWLINK,
        _CREATE,
        _header(),
        codec.string(IFLA_IFNAME, name),
        codec.u32(IFLA_MTU, mtu),
        codec.u32(IFLA_MASTER, master),
        _ONE_QUEUE,
        codec.nested(
            IFLA_LINKINFO,
            codec.string(IFLA_INFO_KIND, "veth"),
            codec.nested(IFLA_INFO_DATA, codec.attribute(VETH_INFO_PEER, peer)),
        ),
    )


def add_macvlan(name: str, *, parent: int, mode: str, mac: str, mtu: int, namespace: int) -> bytes:
    """Make a macvlan link of `parent` in the network namespace that is the descriptor, down.

    `mode` is one of MACVLAN_MODES. The kernel answers EBUSY for a parent that is a bridge's port.
    """
    data = codec.u32(IFLA_MACVLAN_MODE, MACVLAN_MODES[mode])
    address = codec.attribute(IFLA_ADDRESS, _mac_bytes(mac))
    return _add_on_parent("macvlan", name, parent, namespace, data, address, mtu)


def add_ipvlan(name: str, *, parent: int, mode: str, flag: str, mtu: int, namespace: int) -> bytes:
    """Make an ipvlan link of `parent` in the namespace: with its parent's MAC, down."""
    data = codec.attribute(IFLA_IPVLAN_MODE, struct.pack("=H", IPVLAN_MODES[mode]))
    data += codec.attribute(IFLA_IPVLAN_FLAGS, struct.pack("=H", IPVLAN_FLAGS[flag]))
    return _add_on_parent("ipvlan", name, parent, namespace, data, b"", mtu)


def add_vlan(name: str, *, parent: int, vlan_id: int) -> bytes:
    """Make a link for the frames of one VLAN of `parent` (802.1Q), down."""
    data = codec.attribute(IFLA_VLAN_ID, struct.pack("=H", vlan_id))
    kind = codec.string(IFLA_INFO_KIND, "vlan"), codec.nested(IFLA_INFO_DATA, data)
    return codec.message(
        RTM_NEWLINK,
        _CREATE,
        _header(),
        codec.string(IFLA_IFNAME, name),
        codec.u32(IFLA_LINK, parent),
        codec.nested(IFLA_LINKINFO, *kind),
    )


def add_dummy(name: str) -> bytes:
    """Make a link that leads nowhere, down. The kernel answers EOPNOTSUPP if it has none."""
    kind = codec.nested(IFLA_LINKINFO, codec.string(IFLA_INFO_KIND, "dummy"))
    return codec.message(RTM_NEWLINK, _CREATE, _header(), codec.string(IFLA_IFNAME, name), kind)


def _add_on_parent(
    kind: str, name: str, parent: int, namespace: int, data: bytes, address: bytes, mtu: int
) -> bytes:
    return codec.message(
        RTM_NEWLINK,
        _CREATE,
        _header(),
        codec.string(IFLA_IFNAME, name),
        address,
        codec.u32(IFLA_MTU, mtu) if mtu else b"",
        codec.u32(IFLA_LINK, parent),
        codec.u32(IFLA_NET_NS_FD, namespace),
        codec.nested(
            IFLA_LINKINFO, codec.string(IFLA_INFO_KIND, kind), codec.nested(IFLA_INFO_DATA, data)
        ),
    )


def veth_peer(name: str, *, mac: str, mtu: int, namespace: int) -> bytes:
    """The other end of a veth pair, to be made in a network namespace.

    `namespace` is a descriptor of it, open until the request is done.
    """
    return b"".join(
        (
            _header(),  # with IFF_UP it would answer ENOTCONN: it has no peer yet
            codec.string(IFLA_IFNAME, name),
            codec.attribute(IFLA_ADDRESS, _mac_bytes(mac)),
            codec.u32(IFLA_MTU, mtu),
            _ONE_QUEUE,
            codec.u32(IFLA_NET_NS_FD, namespace),
        )
    )


def set_up(target: int | str) -> bytes:
    """Switch the link on."""
    return _change(target, flags=IFF_UP)


def rename(index: int, name: str) -> bytes:
    """Give the link another name. The kernel answers EBUSY while it is up (before Linux 6.0)."""
    return codec.message(RTM_NEWLINK, 0, _header(index=index), codec.string(IFLA_IFNAME, name))


def set_master(target: int | str, master: int) -> bytes:
    """Make the link a port of the bridge `master`."""
    return _change(target, codec.u32(IFLA_MASTER, master))


def set_port(target: int | str, *, hairpin: bool, isolated: bool) -> bytes:
    """How a port of a bridge behaves: `hairpin` sends back by it what came by it, `isolated` sends
    nothing to other isolated ports."""
    flags = (
        codec.attribute(IFLA_BRPORT_MODE, bytes([hairpin])),
        codec.attribute(IFLA_BRPORT_ISOLATED, bytes([isolated])),
    )
    kind = codec.string(IFLA_INFO_SLAVE_KIND, "bridge")
    data = codec.nested(IFLA_INFO_SLAVE_DATA, *flags)
    return _change(target, codec.nested(IFLA_LINKINFO, kind, data))


def set_alias(target: int | str, alias: str) -> bytes:
    """Write the link's alias (man 8 ip-link), a note of up to 255 bytes that the kernel keeps."""
    return _change(target, codec.attribute(IFLA_IFALIAS, alias.encode()))


def set_no_link_local(target: int | str) -> bytes:
    """Give the link no IPv6 address of its own when it comes up (it would announce it to all)."""
    mode = codec.attribute(IFLA_INET6_ADDR_GEN_MODE, bytes([IN6_ADDR_GEN_MODE_NONE]))
    return _change(target, codec.nested(IFLA_AF_SPEC, codec.nested(sockets.AF_INET6, mode)))


def delete(target: int | str) -> bytes:
    """Delete the link (15-25 ms for a veth: the kernel waits for a grace period)."""
    header, name = _address(target)
    return codec.message(RTM_DELLINK, 0, header, name)


def get(socket: NetlinkSocket, name: str) -> Link | None:
    """The link of that name in the socket's namespace, or None. Raises OSError."""
    mask = codec.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    request = codec.message(RTM_GETLINK, 0, _header(), codec.string(IFLA_IFNAME, name), mask)
    try:
        return _parse(socket.get(request))
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise


def dump(socket: NetlinkSocket) -> list[Link]:
    """Every link of the socket's namespace."""
    mask = codec.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    request = codec.message(RTM_GETLINK, codec.NLM_F_DUMP, _header(), mask)
    return [_parse(body) for _, body in socket.dump(request)]


def is_ending(socket: NetlinkSocket, link: Link) -> bool:
    """Whether the namespace of the link's other end is over: the kernel takes both ends down.

    It does so one namespace after the other, which may take seconds on a loaded host.
    Raises OSError.
    """
    if link.peer_namespace is None:
        return False
    wanted = link.peer_namespace.to_bytes(4, sys.byteorder, signed=True)
    asked = codec.attribute(NETNSA_NSID, wanted)
    try:
        socket.get(codec.message(RTM_GETNSID, 0, _RTGENMSG, asked))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return True
        raise
    return False


def _change(target: int | str, *attributes: bytes, flags: int = 0) -> bytes:
    header, name = _address(target, flags=flags)
    return codec.message(RTM_NEWLINK, 0, header, name, *attributes)


def _address(target: int | str, *, flags: int = 0) -> tuple[bytes, bytes]:
    """Header and name attribute that name a link, by its index or by its name."""
    if isinstance(target, int):
        return _header(index=target, flags=flags), b""
    return _header(flags=flags), codec.string(IFLA_IFNAME, target)


def _header(*, index: int = 0, flags: int = 0) -> bytes:
    return _IFINFOMSG.pack(0, 0, index, flags, flags)


def _mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _parse(body: bytes) -> Link:
    _family, _type, index, flags, _change = _IFINFOMSG.unpack_from(body)
    found = codec.parse_attributes(body, _IFINFOMSG.size)
    information = codec.parse_attributes(found.get(IFLA_LINKINFO, b""))
    return Link(
        ifindex=index,
        name=codec.text(found[IFLA_IFNAME]),
        is_up=bool(flags & IFF_UP),
        mac=found.get(IFLA_ADDRESS, b"").hex(":"),
        mtu=int.from_bytes(found.get(IFLA_MTU, b""), sys.byteorder),
        master=int.from_bytes(found.get(IFLA_MASTER, b""), sys.byteorder),
        alias=codec.text(found.get(IFLA_IFALIAS, b"")),
        kind=codec.text(information.get(IFLA_INFO_KIND, b"")),
        peer_namespace=_signed(found.get(IFLA_LINK_NETNSID)),
    )


def _signed(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value, sys.byteorder, signed=True)
