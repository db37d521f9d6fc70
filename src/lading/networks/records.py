"""What is kept about networks and endpoints. Frozen; changed by `msgspec.structs.replace`."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field


class Subnet(Struct, frozen=True, omit_defaults=True):
    """One range of addresses of a network, of either family."""

    subnet: str  # "172.17.0.0/16", "fd00:8::/64"
    gateway: str = ""  # "172.17.0.1"; "" for a network without one
    ip_range: str = ""  # the part of it that containers get addresses from; "" for all
    aux: dict[str, str] = field(default_factory=dict)  # addresses that others have, by their name
    is_asked: bool = False  # by the user, not chosen by us: then an address may be asked for, too
    is_gateway_asked: bool = False

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.subnet

    @property
    def prefix(self) -> int:
        return int(self.subnet.partition("/")[2])


class Network(Struct, frozen=True, omit_defaults=True):
    """A network that containers can join."""

    id: str  # 64 hex digits
    name: str
    driver: str  # "bridge", "host", "null", "macvlan", ...: a key of the service's drivers
    created_ns: int
    subnets: tuple[Subnet, ...] = ()  # IPv4 first; the default bridge's are chosen at first use
    bridge: str = ""  # name of the host's link: the bridge, or the parent of macvlan and ipvlan
    mtu: int = 0
    options: dict[str, str] = field(default_factory=dict)  # of the driver, as they were asked
    labels: dict[str, str] = field(default_factory=dict)
    ipam_driver: str = "default"
    ipam_options: dict[str, str] | None = None
    enable_ipv4: bool = True
    enable_ipv6: bool = False
    internal: bool = False  # no way out
    attachable: bool = False
    ingress: bool = False
    config_only: bool = False  # a template for others; nothing can join it
    config_from: str = ""  # name of the template that this one was made of

    def of_family(self, *, ipv6: bool) -> Sequence[Subnet]:
        """The ranges of that family."""
        return [one for one in self.subnets if one.is_ipv6 == ipv6]

    @property
    def subnet(self) -> str:
        """The first IPv4 range, or ""."""
        return next((one.subnet for one in self.subnets if not one.is_ipv6), "")

    @property
    def gateway(self) -> str:
        """The gateway of the first IPv4 range, or ""."""
        return next((one.gateway for one in self.subnets if not one.is_ipv6), "")


class EndpointRequest(Struct, frozen=True):
    """What is asked of an endpoint; what is left empty is chosen."""

    network: str  # name or id
    names: Sequence[str] = ()  # by which others in the network find it: name, aliases, short id
    links: Sequence[tuple[str, str]] = ()  # (alias, name): names that only this container has
    ip: str = ""
    ipv6: str = ""
    link_local_ips: Sequence[str] = ()
    mac: str = ""
    gw_priority: int = 0
    options: Mapping[str, str] = {}  # of the driver, `com.docker.network.endpoint...`


class Endpoint(Struct, frozen=True, omit_defaults=True):
    """A container's place in a network: recorded from before the address is used until release.

    With names, links and addresses it is all that the resolver needs; see `nameserver`.
    """

    id: str  # 64 hex digits, new at every attach
    network_id: str
    network_name: str
    container_id: str
    created_ns: int
    interface: str = ""  # in the container, "eth0"; "" if the network gives none
    host_interface: str = ""  # the other end of the pair, a port of the bridge; "" without one
    ip: str = ""
    prefix: int = 0
    gateway: str = ""
    ipv6: str = ""
    ipv6_prefix: int = 0
    ipv6_gateway: str = ""
    link_local_ips: tuple[str, ...] = ()
    mac: str = ""
    names: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    gw_priority: int = 0
    sysctls: tuple[tuple[str, str], ...] = ()  # (name, value), in the container's namespace
    netns_fd: int | None = None  # of the sandbox; the service's, and not stored


class Settings(Struct, frozen=True):
    """What the engine was told about networks; the names are dockerd's flags."""

    bridge_name: str = "lading0"  # of the default network; another one if that is not ours
    bip: str = ""  # --bip, the bridge's own address with its prefix: "10.9.0.1/24"
    fixed_cidr: str = ""  # --fixed-cidr, the part of it that containers get
    mtu: int = 1500
    ip_masq: bool = True
    ip_forward: bool = True
    iptables: bool = True  # False: no packet filter is written; published ports are relayed
    userland_proxy: bool = True  # a relay where no packet filter can redirect: [::1], IPv6 to IPv4
    default_ip: str = ""  # --ip, where ports are published that name no address; "" for everywhere
    host_door: str = ""  # who makes sockets of the host for us; "": its network is ours
    icc: bool = True  # containers of the default network may talk to each other
    allow_direct_routing: bool = False  # containers may be reached at their own addresses
    default_address_pools: tuple[tuple[str, int], ...] = ()  # (base, prefix of each piece)
    default_network_options: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()  # by driver
