"""The driver `bridge`: a switch on the host, a veth pair per container, NAT to the outside.

      container                    host
      eth0 172.17.0.2  ---veth---  ldg4f02c91ab7  (port)  lading0 172.17.0.1  --NAT--  outside

The link's alias "lading:<engine>" says whose it is. The default network's link of the wanted name
with another alias is left alone, and the next name is taken; a network of the user's may name a
bridge that the host's owner has made, which is used and never removed. Host ends are named after
the endpoint, not the container: the pair of a container that was stopped a moment ago may still be
there.
"""

import contextlib
import errno
import socket as sockets
from collections.abc import Callable, Sequence
from ipaddress import IPv4Interface, IPv4Network, ip_network

from msgspec.structs import replace

from lading.errors import InvalidArgument, PermissionDenied
from lading.failpoints import fp
from lading.kernel import sysctl
from lading.kernel.netlink import NetlinkSocket, address, link
from lading.networks import ipam, occupied, options, subnets
from lading.networks.driver import NetworkGone
from lading.networks.drivers.ways import Ways
from lading.networks.firewall import Firewall, Zone
from lading.networks.records import Endpoint, Network, Settings, Subnet
from lading.networks.sandbox import Sandbox
from lading.state import Database

DEFAULT = "bridge"  # the name of the network that every engine has
DEFAULT_MTU = 1500
NAME_PREFIX = "br-"  # then twelve digits of the network's id, as dockerd's


class SameBridge(PermissionDenied):
    """cannot create network {0} ({1}): conflicts with network {2} ({1}): networks have same \
bridge name"""


class ManySubnets(PermissionDenied):
    """bridge driver doesn't support multiple subnets"""


class NoBridge(PermissionDenied):
    """cannot use link {0} as a bridge: it is none"""


class Bridge:
    """The bridges of one engine in the network namespace in which this was made."""

    gives_interface = True

    def __init__(
        self,
        database: Database,
        *,
        engine_id: str,
        settings: Settings,
        read_file: Callable[[str], str],
        firewall: Firewall | None,
    ) -> None:
        """`firewall` is None where the kernel has none."""
        self._settings = settings
        self._read_file = read_file
        self._owner = f"lading:{engine_id}"
        self._socket = NetlinkSocket()
        self._ways = Ways(database, firewall, settings)
        self._indexes: dict[str, int] = {}  # of the links of networks that are prepared, by id
        self._pools = (*(settings.default_address_pools or ipam.DEFAULT_POOLS),)
        if not any(":" in base for base, _ in self._pools):
            self._pools = (*self._pools, ipam.unique_local_pool(engine_id))

    def complete(
        self, network: Network, others: Sequence[Network], *, has_endpoints: bool
    ) -> Network:
        """Choose the link's name and the subnets.

        Raises NoSubnetLeft, PoolOverlaps, SameBridge, NoBridge, ManySubnets, InvalidArgument.
        """
        if network.name == DEFAULT:
            return self._complete_default(network, others, has_endpoints=has_endpoints)
        if network.bridge:
            return network  # it was completed when it was made, and is not changed by a restart
        asked = options.of_bridge(network)
        name = asked.name or NAME_PREFIX + network.id[:12]
        self._check_name(network, name, others)
        if any(len(network.of_family(ipv6=family)) > 1 for family in (False, True)):
            raise ManySubnets
        in_use = occupied.subnets(self._socket, self._read_file)
        without = [ipv6 for ipv6 in (False, True) if asked.gateway_mode(ipv6=ipv6) == "isolated"]
        network = subnets.complete(
            network, others, pools=self._pools, in_use=in_use, without_gateway=without
        )
        return replace(network, bridge=name, mtu=asked.mtu or self._default_mtu())

    def prepare(self, network: Network, endpoints: Sequence[Endpoint]) -> list[str]:
        """Make or repair link, addresses, forwarding, rules and the ports of the endpoints."""
        index = self._ensure_link(network)
        self._ensure_addresses(index, network)
        self._socket.request(link.set_up(index))
        fp("networks.bridge-made")
        self._indexes[network.id] = index
        warnings = self._ways.open(zone(network, self._settings))
        if endpoints:
            self._ensure_ports(network, index, {one.host_interface for one in endpoints})
        return warnings

    def join(self, network: Network, endpoint: Endpoint, sandbox: Sandbox) -> None:
        """One send makes the pair."""
        port = endpoint.host_interface
        peer = link.veth_peer(
            endpoint.interface, mac=endpoint.mac, mtu=network.mtu, namespace=sandbox.fd
        )
        try:
            self._socket.request(
                link.add_veth(port, master=self._indexes[network.id], mtu=network.mtu, peer=peer),
                link.set_no_link_local(port),
                # a published port of its own comes back to a container through its own port
                link.set_port(port, hairpin=True, isolated=self._isolates(network)),
                link.set_up(port),
            )
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENODEV):  # there is no link of that index
                raise NetworkGone(network.name) from error
            raise

    def leave(self, endpoint: Endpoint, sandbox: Sandbox | None) -> None:
        """By the host's end of the pair: the container may have renamed its own."""
        try:
            self._socket.request(link.delete(endpoint.host_interface))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise

    def discard(self, network: Network) -> None:
        """Delete the link if it is ours, and what the filter knew of it."""
        self._indexes.pop(network.id, None)
        self._ways.shut(network.bridge)
        found = link.get(self._socket, network.bridge) if network.bridge else None
        if found is not None and found.alias == self._owner:
            self._delete(found.ifindex)

    def sweep(self, networks: Sequence[Network]) -> None:
        """Delete the links of ours that no network has."""
        known = {network.bridge for network in networks}
        for one in link.dump(self._socket):
            if one.kind == "bridge" and one.alias == self._owner and one.name not in known:
                self._delete(one.ifindex)

    def remove(self) -> None:
        """Delete the table and every bridge of this engine; forwarding goes back to what it was."""
        self._indexes.clear()
        self._ways.remove()
        self.sweep([])

    def close(self) -> None:
        """Close the socket; bridges and rules stay for the containers that run."""
        self._socket.close()

    def _isolates(self, network: Network) -> bool:
        """Whether ports are kept apart, where icc is off: not by the filter if it sees them.

        The filter still lets published ports through, which isolated ports could not reach.
        """
        return not zone(network, self._settings).icc and not _is_bridged_traffic_filtered()

    def _default_mtu(self) -> int:
        return self._settings.mtu or DEFAULT_MTU

    def _complete_default(
        self, network: Network, others: Sequence[Network], *, has_endpoints: bool
    ) -> Network:
        """A recorded subnet is kept unless it now clashes; the settings count."""
        links = link.dump(self._socket)
        ours = {one.name for one in links if one.alias == self._owner}
        # a recorded name holds as long as its link: a new setting must not leave that one behind
        keeps_name = has_endpoints or network.bridge in ours
        wanted = network.bridge if keeps_name else self._settings.bridge_name
        taken = {other.bridge for other in others}
        name = _choose_name(wanted, {one.name: one.alias for one in links}, self._owner, taken)
        network = replace(network, bridge=name, mtu=self._default_mtu())
        if has_endpoints:
            return network
        if self._settings.bip:
            return replace(network, subnets=(_configured_subnet(self._settings),))
        own = {one.ifindex for one in links if one.name == name}
        in_use = occupied.subnets(self._socket, self._read_file, own=own)
        in_use += [ip_network(one.subnet) for other in others for one in other.subnets]
        if network.subnet and not any(
            ip_network(network.subnet).overlaps(other) for other in in_use if other.version == 4
        ):
            return network
        subnet = ipam.choose_subnet(self._pools, in_use)
        return replace(network, subnets=(Subnet(str(subnet), ipam.first_address(subnet)),))

    def _check_name(self, network: Network, name: str, others: Sequence[Network]) -> None:
        """Raises InvalidArgument, SameBridge, NoBridge."""
        if not options.is_interface_name(name):
            raise InvalidArgument(f"invalid bridge name: {name!r}")
        for other in others:
            if other.bridge == name:
                raise SameBridge(network.id, name, other.id)
        found = link.get(self._socket, name)
        if found is not None and found.kind != "bridge":
            raise NoBridge(name)

    def _ensure_link(self, network: Network) -> int:
        """The index of the network's link, made if it is not there."""
        found = link.get(self._socket, network.bridge)
        if found is None:
            gateway = network.gateway
            mac = ipam.mac_of(gateway) if gateway else f"02:42:{network.id[:8]}"
            self._socket.request(
                link.add_bridge(network.bridge, mac=_colons(mac), mtu=network.mtu),
                link.set_alias(network.bridge, self._owner),
            )
            found = link.get(self._socket, network.bridge)
        if found is None or (network.name == DEFAULT and found.alias != self._owner):
            raise NetworkGone(network.name)
        if found.alias == self._owner and not found.is_up:
            _set_ipv6(network.bridge, is_on=network.enable_ipv6)  # before it is up: no address yet
        return found.ifindex

    def _ensure_addresses(self, index: int, network: Network) -> None:
        """Leave the link with the gateways' addresses; what else it has goes if it is ours."""
        found = link.get(self._socket, network.bridge)
        is_ours = found is not None and found.alias == self._owner
        wanted = own_addresses(network)
        changes = []
        for family in (sockets.AF_INET, sockets.AF_INET6):
            present = {
                (one.ip, one.prefix)
                for one in address.dump(self._socket, family)
                if one.ifindex == index and not one.ip.startswith("fe80:")
            }
            mine = {one for one in wanted if (":" in one[0]) == (family == sockets.AF_INET6)}
            if is_ours:
                changes += [address.delete(index, *other) for other in sorted(present - mine)]
            changes += [address.add(index, *one) for one in sorted(mine - present)]
        if changes:
            self._socket.request(*changes)

    def _ensure_ports(self, network: Network, index: int, names: set[str]) -> None:
        """Make the host ends of running containers ports again, after the bridge was lost."""
        lost = [one for one in link.dump(self._socket) if one.name in names and one.master != index]
        if lost:
            self._socket.request(*(link.set_master(one.ifindex, index) for one in lost))
            isolated = self._isolates(network)
            self._socket.request(
                *(link.set_port(one.ifindex, hairpin=True, isolated=isolated) for one in lost)
            )

    def _delete(self, index: int) -> None:
        with contextlib.suppress(OSError):
            self._socket.request(link.delete(index))


def own_addresses(network: Network) -> list[tuple[str, int]]:
    """The addresses, with their prefixes, that the host has on the network's bridge. Pure."""
    asked = options.of_bridge(network)
    found = []
    for one in network.subnets:
        is_hidden = asked.gateway_mode(ipv6=one.is_ipv6) == "isolated"
        if (
            _is_used(network, one)
            and one.gateway
            and not is_hidden
            and (one.is_ipv6 or not asked.inhibit_ipv4)
        ):
            found.append((one.gateway, one.prefix))
    return found


def zone(network: Network, settings: Settings) -> Zone:
    """What the filter has to know of the network's bridge. Pure."""
    asked = options.of_bridge(network)
    is_default = network.name == DEFAULT

    def mode(*, ipv6: bool) -> str:
        found = asked.gateway_mode(ipv6=ipv6)
        return "nat-unprotected" if settings.allow_direct_routing and found == "nat" else found

    return Zone(
        bridge=network.bridge,
        subnets=tuple(one.subnet for one in network.subnets if _is_used(network, one)),
        masquerade=settings.ip_masq if is_default else asked.masquerade,
        icc=settings.icc if is_default else asked.icc,
        internal=network.internal,
        mode_ipv4=mode(ipv6=False),
        mode_ipv6=mode(ipv6=True),
    )


def _is_used(network: Network, one: Subnet) -> bool:
    return network.enable_ipv6 if one.is_ipv6 else network.enable_ipv4


def _choose_name(wanted: str, owners: dict[str, str], owner: str, taken: set[str]) -> str:
    """The wanted name if it is free or ours, else the next with a higher number. Pure."""
    stem = wanted.rstrip("0123456789")
    number = int(wanted[len(stem) :] or 0)
    name = wanted
    while owners.get(name, owner) != owner or name in taken:
        number += 1
        name = f"{stem}{number}"
    if not options.is_interface_name(name):
        raise InvalidArgument(f"invalid bridge name: {name!r}")
    return name


def _configured_subnet(settings: Settings) -> Subnet:
    try:
        own = IPv4Interface(settings.bip)
        part = str(IPv4Network(settings.fixed_cidr)) if settings.fixed_cidr else ""
    except ValueError as error:
        raise InvalidArgument(f"invalid bip or fixed-cidr: {error}") from None
    return Subnet(str(own.network), str(own.ip), part)


def _colons(mac: str) -> str:
    digits = mac.replace(":", "")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def _set_ipv6(bridge: str, *, is_on: bool) -> None:
    """IPv6 of the link: off, or on without listening to routers or asking for duplicates."""
    settings = {"disable_ipv6": "0" if is_on else "1"}
    if is_on:
        settings = {"accept_ra": "0", "accept_dad": "0", **settings}
    for name, value in settings.items():
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            sysctl.write(f"net.ipv6.conf.{bridge.replace('.', '/')}.{name}", value)


def _is_bridged_traffic_filtered() -> bool:
    try:
        return sysctl.read("net.bridge.bridge-nf-call-iptables") == "1"
    except FileNotFoundError:
        return False
