"""The drivers `macvlan` and `ipvlan`: containers are hosts of the wire that an interface is on.

    container eth0 192.168.1.20 --- parent (eth1, or eth1.10 for VLAN 10) --- wire with a router

There is no bridge, no veth pair, no NAT and no packet filter of ours: the kernel hands frames
between the parent and the links that are made of it. With macvlan every container has a MAC of its
own, with ipvlan all have the parent's. A dotted parent that is not there is a VLAN sub-interface,
which is made, and removed with the network. The host itself does not reach its containers: that is
how the kernel's drivers are.
"""

import contextlib
import errno
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from lading.errors import InvalidArgument, NotSupported, PermissionDenied, SystemFault
from lading.kernel.netlink import NetlinkSocket, link
from lading.networks import ipam, occupied, options, subnets
from lading.networks.driver import NetworkGone
from lading.networks.records import Endpoint, Network, Settings
from lading.networks.sandbox import Sandbox

PARENT = "parent"
DUMMY_PREFIX = "dm-"  # of the parent that an internal network without one gets
_MAX_VLAN = 4094  # IEEE 802.1Q


class UnknownMode(InvalidArgument):
    """requested {0} mode '{1}' is not valid, '{2}' mode is the {0} driver default"""


class UnknownFlag(InvalidArgument):
    """unknown ipvlan flag: {0}"""


class ParentTaken(PermissionDenied):
    """network {0} is already using parent interface {1}"""


class NoParent(SystemFault):
    """the requested parent interface {0} was not found on the host"""


class ParentNeeded(InvalidArgument):
    """{0} needs a parent interface: -o parent=NAME (or --internal for one that leads nowhere)"""


class BadVlan(InvalidArgument):
    """vlan id must be between 1-4094, received: {0}"""


class KernelLacks(NotSupported):
    """this host's kernel has no {0}"""


class Lan:
    """The networks of one of the two drivers, in the network namespace in which this was made."""

    gives_interface = True

    def __init__(
        self, kind: str, *, engine_id: str, settings: Settings, read_file: Callable[[str], str]
    ) -> None:
        self._kind = kind
        self._owner = f"lading:{engine_id}"
        self._alias = f"{self._owner}:{kind}"
        self._read_file = read_file
        self._socket = NetlinkSocket()
        self._pools = (*(settings.default_address_pools or ipam.DEFAULT_POOLS),)
        if not any(":" in base for base, _ in self._pools):
            self._pools = (*self._pools, ipam.unique_local_pool(engine_id))

    def complete(
        self, network: Network, others: Sequence[Network], *, has_endpoints: bool
    ) -> Network:
        """Raises UnknownMode, UnknownFlag, ParentTaken, ParentNeeded, BadVlan, PoolOverlaps."""
        if network.bridge:
            return network
        mode = modes(network, self._kind)
        parent = network.options.get(PARENT, "")
        if not parent and not network.internal:
            raise ParentNeeded(self._kind)
        if parent and not options.is_interface_name(parent):
            raise InvalidArgument(f"invalid interface name: {parent!r}")
        for other in others:
            is_shared = parent and other.driver == self._kind and other.bridge == parent
            if is_shared and "passthru" in (mode[0], modes(other, self._kind)[0]):
                raise ParentTaken(other.name, parent)
        in_use = occupied.subnets(self._socket, self._read_file)
        without = (False, True) if self._kind == "ipvlan" and mode[0] != "l2" else ()
        network = subnets.complete(
            network, others, pools=self._pools, in_use=in_use, without_gateway=without
        )
        return replace(
            network,
            bridge=parent or DUMMY_PREFIX + network.id[:12],
            mtu=options.mtu(network.options),
        )

    def prepare(self, network: Network, endpoints: Sequence[Endpoint]) -> list[str]:
        """Make the parent if it is ours to make. Raises NoParent, BadVlan, KernelLacks."""
        if link.get(self._socket, network.bridge) is None:
            self._make_parent(network.bridge)
        return []

    def join(self, network: Network, endpoint: Endpoint, sandbox: Sandbox) -> None:
        """One message makes the link in the sandbox."""
        parent = link.get(self._socket, network.bridge)
        if parent is None:
            raise NetworkGone(network.name)
        mode, flag = modes(network, self._kind)
        name, mtu = endpoint.interface, network.mtu
        if self._kind == "macvlan":
            request = link.add_macvlan(
                name,
                parent=parent.ifindex,
                mode=mode,
                mac=endpoint.mac,
                mtu=mtu,
                namespace=sandbox.fd,
            )
        else:
            request = link.add_ipvlan(
                name, parent=parent.ifindex, mode=mode, flag=flag, mtu=mtu, namespace=sandbox.fd
            )
        try:
            self._socket.request(request)
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                raise KernelLacks(self._kind) from error
            raise

    def leave(self, endpoint: Endpoint, sandbox: Sandbox | None) -> None:
        """By its MAC, under whatever name; ipvlan's is its parent's, so there by the name."""
        for one in link.dump(sandbox.socket) if sandbox else ():
            is_it = one.mac == endpoint.mac or one.name == endpoint.interface
            if one.kind == self._kind and is_it and sandbox:
                sandbox.socket.request(link.delete(one.ifindex))

    def discard(self, network: Network) -> None:
        """Delete the parent if we made it."""
        found = link.get(self._socket, network.bridge) if network.bridge else None
        if found is not None and found.alias == self._alias:
            self._delete(found.ifindex)

    def sweep(self, networks: Sequence[Network]) -> None:
        """Delete the parents that we made and that no network has."""
        known = {network.bridge for network in networks}
        for one in link.dump(self._socket):
            if one.alias == self._alias and one.name not in known:
                self._delete(one.ifindex)

    def remove(self) -> None:
        """Delete every parent that we made."""
        self.sweep([])

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _make_parent(self, name: str) -> None:
        if name.startswith(DUMMY_PREFIX):
            request = link.add_dummy(name)
        else:
            above, vlan_id = vlan_of(name)
            found = link.get(self._socket, above) if above else None
            if found is None:
                raise NoParent(name)
            request = link.add_vlan(name, parent=found.ifindex, vlan_id=vlan_id)
        try:
            self._socket.request(request, link.set_alias(name, self._alias), link.set_up(name))
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                what = "dummy" if name.startswith(DUMMY_PREFIX) else "vlan (8021q)"
                raise KernelLacks(what) from error
            raise

    def _delete(self, index: int) -> None:
        with contextlib.suppress(OSError):
            self._socket.request(link.delete(index))


def modes(network: Network, kind: str) -> tuple[str, str]:
    """Mode and flag of the network's links (no flag for macvlan). Pure.

    Raises UnknownMode, UnknownFlag.
    """
    known = link.MACVLAN_MODES if kind == "macvlan" else link.IPVLAN_MODES
    usual = "bridge" if kind == "macvlan" else "l2"
    mode = network.options.get(f"{kind}_mode", "") or usual
    if mode not in known:
        raise UnknownMode(kind, mode, usual)
    if kind == "macvlan":
        return mode, ""
    flag = network.options.get("ipvlan_flag", "") or "bridge"
    if flag not in link.IPVLAN_FLAGS:
        raise UnknownFlag(flag)
    return mode, flag


def vlan_of(name: str) -> tuple[str, int]:
    """The parent and the number of a VLAN sub-interface "eth1.10"; "" for another name. Pure.

    Raises BadVlan.
    """
    above, dot, number = name.rpartition(".")
    if not dot or not (number.isascii() and number.isdigit()):
        return "", 0
    if not 0 < int(number) <= _MAX_VLAN:
        raise BadVlan(number)
    return above, int(number)
