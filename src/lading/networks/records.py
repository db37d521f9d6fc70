"""What is kept about networks and endpoints. Frozen; changed by `msgspec.structs.replace`."""

from msgspec import Struct


class Network(Struct, frozen=True):
    """A network that containers can join."""

    id: str  # 64 hex digits
    name: str
    driver: str  # "bridge", "host", "none": a key of `drivers.BUILT_IN`
    created_ns: int
    subnet: str = ""  # "172.17.0.0/16"; "" until the first use, and for networks without one
    gateway: str = ""  # "172.17.0.1"
    ip_range: str = ""  # the part of the subnet that containers get addresses from; "" for all
    bridge: str = ""  # name of the host's link
    mtu: int = 0


class Endpoint(Struct, frozen=True):
    """A container's place in a network: recorded from before the address is used until release."""

    id: str  # 64 hex digits, new at every attach
    network_id: str
    network_name: str
    container_id: str
    created_ns: int
    interface: str = ""  # in the container, "eth0"; "" if the network gives none
    host_interface: str = ""  # the other end of the pair, a port of the bridge
    ip: str = ""
    prefix: int = 0
    gateway: str = ""
    mac: str = ""
    netns_fd: int | None = None  # of the sandbox; lives with the service, is not stored


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
    icc: bool = True  # containers of the default network may talk to each other
    allow_direct_routing: bool = False  # containers may be reached at their own addresses
    default_address_pools: tuple[tuple[str, int], ...] = ()  # (base, prefix of each piece)
