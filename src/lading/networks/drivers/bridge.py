"""The driver `bridge`: a switch on the host, a veth pair per container, NAT to the outside.

      container                    host
      eth0 172.17.0.2  ---veth---  ldg4f02c91ab7  (port)  lading0 172.17.0.1  --NAT--  outside

The link's alias "lading:<engine>" says whose it is; a link of the wanted name with another alias is
left alone, and the next name is taken. Host ends are named after the endpoint, not the container:
the pair of a container that was stopped a moment ago may still be there.
"""

import contextlib
import errno
from collections.abc import Callable, Sequence
from ipaddress import IPv4Interface, IPv4Network

from msgspec.structs import replace

from lading.errors import InvalidArgument
from lading.failpoints import fp
from lading.kernel import sysctl
from lading.kernel.netlink import NetlinkSocket, address, link, route
from lading.networks import forwarding, ipam, resolvconf
from lading.networks.driver import NetworkGone
from lading.networks.firewall import Firewall, Zone
from lading.networks.records import Endpoint, Network, Settings
from lading.networks.sandbox import Sandbox
from lading.state import Database

LOOPBACK_INDEX = 1  # of lo in every network namespace


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
        self._firewall = firewall
        self._database = database
        self._settings = settings
        self._read_file = read_file
        self._owner = f"lading:{engine_id}"
        self._socket = NetlinkSocket()
        self._networks: dict[str, Network] = {}  # those prepared, by id
        self._indexes: dict[str, int] = {}  # of their links

    def complete(self, network: Network, *, has_endpoints: bool) -> Network:
        """Choose the link's name and the subnet; a recorded subnet is kept unless it now clashes.

        Raises NoSubnetLeft, InvalidArgument for settings that make no sense.
        """
        links = link.dump(self._socket)
        ours = {one.name for one in links if one.alias == self._owner}
        # a recorded name holds as long as its link: a new setting must not leave that one behind
        keeps_name = has_endpoints or network.bridge in ours
        wanted = network.bridge if keeps_name else self._settings.bridge_name
        name = self._choose_name(wanted, links)
        network = replace(network, bridge=name, mtu=self._settings.mtu)
        if has_endpoints:
            return network
        if self._settings.bip:
            return _with_configured_subnet(network, self._settings)
        in_use = self._subnets_in_use({one.ifindex for one in links if one.name == name})
        if network.subnet and not any(IPv4Network(network.subnet).overlaps(o) for o in in_use):
            return network
        pools = self._settings.default_address_pools or ipam.DEFAULT_POOLS
        subnet = ipam.choose_subnet(pools, in_use)
        return replace(network, subnet=str(subnet), gateway=str(subnet[1]), ip_range="")

    def prepare(self, network: Network, endpoints: Sequence[Endpoint]) -> list[str]:
        """Make or repair link, address, forwarding, rules and the ports of the endpoints."""
        index = self._ensure_link(network)
        self._ensure_address(index, network)
        self._socket.request(link.set_up(index))
        fp("networks.bridge-made")
        self._networks[network.id], self._indexes[network.id] = network, index
        warnings = self._open_ways(network)
        if endpoints:
            self._ensure_ports(index, {endpoint.host_interface for endpoint in endpoints})
        return warnings

    def join(self, network: Network, endpoint: Endpoint, sandbox: Sandbox) -> None:
        """One send makes the pair, another furnishes the sandbox."""
        port = endpoint.host_interface
        peer = link.veth_peer(
            endpoint.interface, mac=endpoint.mac, mtu=network.mtu, namespace=sandbox.fd
        )
        try:
            self._socket.request(
                link.add_veth(port, master=self._indexes[network.id], mtu=network.mtu, peer=peer),
                link.set_no_link_local(port),
                # a published port of its own comes back to a container through its own port
                link.set_port(port, hairpin=True, isolated=self._isolates()),
                link.set_up(port),
            )
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENODEV):  # there is no link of that index
                raise NetworkGone(network.name) from error
            raise
        inside = link.get(sandbox.socket, endpoint.interface)
        if inside is None:
            raise OSError(errno.ENODEV, f"{endpoint.interface} did not arrive in the sandbox")
        sandbox.socket.request(
            link.set_up(LOOPBACK_INDEX),
            address.add(inside.ifindex, endpoint.ip, endpoint.prefix),
            link.set_up(inside.ifindex),
            route.add_default(endpoint.gateway, ifindex=inside.ifindex),
        )

    def remove(self) -> None:
        """Delete every bridge of this engine; forwarding goes back to what it was."""
        self._networks.clear()
        self._indexes.clear()
        for one in link.dump(self._socket):
            if one.kind == "bridge" and one.alias == self._owner:
                self._socket.request(link.delete(one.ifindex))
        forwarding.restore(self._database)

    def close(self) -> None:
        """Close the socket; bridges and rules stay for the containers that run."""
        self._socket.close()

    def _isolates(self) -> bool:
        """Whether ports are kept apart, where icc is off: not by the filter if it sees them.

        The filter still lets published ports through, which isolated ports could not reach.
        """
        return not self._settings.icc and not _is_bridged_traffic_filtered()

    def _choose_name(self, wanted: str, links: list[link.Link]) -> str:
        """The wanted name if it is free or ours, else the next with a higher number."""
        owners = {one.name: one.alias for one in links}
        stem = wanted.rstrip("0123456789")
        number = int(wanted[len(stem) :] or 0)
        name = wanted
        while owners.get(name, self._owner) != self._owner:
            number += 1
            name = f"{stem}{number}"
        if not 0 < len(name) < link.IFNAMSIZ:
            raise InvalidArgument(f"invalid bridge name: {name!r}")
        return name

    def _subnets_in_use(self, own: set[int]) -> list[IPv4Network]:
        """What addresses, routes and name servers of the host occupy, links in `own` aside."""
        found = [
            IPv4Network(f"{one.ip}/{one.prefix}", strict=False)
            for one in address.dump(self._socket)
            if one.ifindex not in own
        ]
        found += [
            IPv4Network(f"{one.destination}/{one.prefix}")
            for one in route.dump(self._socket)
            if one.prefix and one.ifindex not in own
        ]
        servers = resolvconf.nameservers(resolvconf.host_text(self._read_file))
        return found + [IPv4Network(server) for server in servers if ":" not in server]

    def _ensure_link(self, network: Network) -> int:
        """The index of the network's link, made if it is not there."""
        found = link.get(self._socket, network.bridge)
        if found is None:
            mac = ipam.mac_of(network.gateway)
            self._socket.request(
                link.add_bridge(network.bridge, mac=mac, mtu=network.mtu),
                link.set_alias(network.bridge, self._owner),
            )
            found = link.get(self._socket, network.bridge)
        if found is None or found.alias != self._owner:
            raise NetworkGone(network.name)
        if not found.is_up:
            _disable_ipv6(network.bridge)  # before it is up, or it would get an address first
        return found.ifindex

    def _ensure_address(self, index: int, network: Network) -> None:
        """Leave the link with the gateway's address and no other."""
        wanted = (network.gateway, IPv4Network(network.subnet).prefixlen)
        present = {(a.ip, a.prefix) for a in address.dump(self._socket) if a.ifindex == index}
        changes = [address.delete(index, *other) for other in present - {wanted}]
        if wanted not in present:
            changes.append(address.add(index, *wanted))
        if changes:
            self._socket.request(*changes)

    def _open_ways(self, network: Network) -> list[str]:
        """Forwarding and rules for the network; what cannot be had becomes a warning."""
        warnings = []
        ours = False
        if self._settings.ip_forward:
            try:
                ours = forwarding.enable(self._database)
            except OSError as error:
                warnings.append(f"IPv4 forwarding is off and cannot be switched on: {error}")
        mode = "nat-unprotected" if self._settings.allow_direct_routing else "nat"
        zone = Zone(
            network.bridge,
            (network.subnet,),
            masquerade=self._settings.ip_masq,
            icc=self._settings.icc,
            mode_ipv4=mode,
        )
        try:
            if self._firewall is None:
                raise OSError(errno.EOPNOTSUPP, "no nfnetlink")
            self._firewall.put_zone(zone, stays_no_router=ours)
            dropping = self._firewall.dropping_chains()
        except OSError as error:
            return [*warnings, f"no NAT and no filter, the kernel refuses nf_tables: {error}"]
        return warnings + [
            f"chain {chain} of another program drops forwarded packets:"
            " containers reach the outside only if it lets their bridge pass"
            for chain in dropping
        ]

    def _ensure_ports(self, index: int, names: set[str]) -> None:
        """Make the host ends of running containers ports again, after the bridge was lost."""
        lost = [one for one in link.dump(self._socket) if one.name in names and one.master != index]
        if lost:
            self._socket.request(*(link.set_master(one.ifindex, index) for one in lost))


def _with_configured_subnet(network: Network, settings: Settings) -> Network:
    try:
        own = IPv4Interface(settings.bip)
        part = str(IPv4Network(settings.fixed_cidr)) if settings.fixed_cidr else ""
    except ValueError as error:
        raise InvalidArgument(f"invalid bip or fixed-cidr: {error}") from None
    return replace(network, subnet=str(own.network), gateway=str(own.ip), ip_range=part)


def _is_bridged_traffic_filtered() -> bool:
    try:
        return sysctl.read("net.bridge.bridge-nf-call-iptables") == "1"
    except FileNotFoundError:
        return False


def _disable_ipv6(bridge: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
        sysctl.write(f"net.ipv6.conf.{bridge.replace('.', '/')}.disable_ipv6", "1")
