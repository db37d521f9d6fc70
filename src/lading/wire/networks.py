"""Networks, and how a container hangs on them: asked in `NetworkingConfig`, told in inspect."""

from msgspec import UNSET, UnsetType, field

from lading.wire.base import Asked, Document


class EndpointIPAMConfig(Asked):
    """Addresses the user wants for an endpoint."""

    ipv4_address: str | UnsetType = UNSET
    ipv6_address: str | UnsetType = UNSET
    link_local_ips: list[str] | UnsetType = UNSET


class EndpointSettings(Asked):
    """One attachment of a container to a network; the part after `gw_priority` is our answer."""

    ipam_config: EndpointIPAMConfig | None = None
    links: list[str] | None = None
    aliases: list[str] | None = None
    mac_address: str = ""
    driver_opts: dict[str, str] | None = None
    gw_priority: int = 0
    network_id: str = ""
    endpoint_id: str = ""
    gateway: str = ""
    ip_address: str = ""
    ip_prefix_len: int = 0
    ipv6_gateway: str = ""
    global_ipv6_address: str = ""
    global_ipv6_prefix_len: int = 0
    dns_names: list[str] | None = None


class NetworkingConfig(Asked):
    """Networks by name; a null means "attach with nothing special"."""

    endpoints_config: dict[str, EndpointSettings | None] | None = None


class PortBinding(Asked):
    """Where a container port is published; an empty `host_port` asks for a free one."""

    host_ip: str = ""
    host_port: str = ""
    sources: list[str] | UnsetType = UNSET  # networks that may come from outside; our extension


# {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}; null: exposed, not published.
PortMap = dict[str, list[PortBinding] | None]


class Address(Document):
    """An address with its prefix length."""

    addr: str = ""
    prefix_len: int = 0


class NetworkSettings(Document):
    """The network side of a container; the single-network fields repeat the default bridge's."""

    bridge: str = ""
    sandbox_id: str = ""
    sandbox_key: str = ""
    ports: PortMap | None = None
    hairpin_mode: bool = False
    link_local_ipv6_address: str = ""
    link_local_ipv6_prefix_len: int = 0
    secondary_ip_addresses: list[Address] | None = None
    secondary_ipv6_addresses: list[Address] | None = None
    endpoint_id: str = ""
    gateway: str = ""
    global_ipv6_address: str = ""
    global_ipv6_prefix_len: int = 0
    ip_address: str = ""
    ip_prefix_len: int = 0
    ipv6_gateway: str = ""
    mac_address: str = ""
    networks: dict[str, EndpointSettings] | None = None


class NetworkSettingsSummary(Document):
    """The networks of a container in a list."""

    networks: dict[str, EndpointSettings] | None = None


class IPAMPool(Asked):
    """One range of addresses; what is not asked is absent."""

    subnet: str | UnsetType = UNSET
    ip_range: str | UnsetType = field(default=UNSET, name="IPRange")
    gateway: str | UnsetType = UNSET
    auxiliary_addresses: dict[str, str] | UnsetType | None = UNSET


class IPAM(Asked):
    """Who gives addresses, and out of what."""

    driver: str = ""
    options: dict[str, str] | None = None
    config: list[IPAMPool] | None = None


class ConfigReference(Asked):
    """The network that lends its configuration."""

    network: str = ""


class NetworkCreate(Asked):
    """The body of `POST /networks/create`."""

    name: str = ""
    check_duplicate: bool | None = None  # means nothing any more
    driver: str = ""
    scope: str = ""
    enable_ipv4: bool | None = field(default=None, name="EnableIPv4")
    enable_ipv6: bool | None = field(default=None, name="EnableIPv6")
    ipam: IPAM | None = field(default=None, name="IPAM")
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    config_only: bool = False
    config_from: ConfigReference | None = None
    options: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class NetworkCreated(Document):
    """The answer to it."""

    id: str
    warning: str = ""


class NetworkConnect(Asked):
    """The body of `POST /networks/{id}/connect`."""

    container: str = ""
    endpoint_config: EndpointSettings | None = None


class NetworkDisconnect(Asked):
    """The body of `POST /networks/{id}/disconnect`."""

    container: str = ""
    force: bool = False


class NetworkContainer(Document):
    """A container in a network, as the network's inspect tells it; addresses with their prefix."""

    name: str
    endpoint_id: str
    mac_address: str
    ipv4_address: str
    ipv6_address: str


class SubnetStatus(Document):
    """How much of a range is taken."""

    ips_in_use: int = field(name="IPsInUse")
    dynamic_ips_available: int = field(name="DynamicIPsAvailable")


class IPAMStatus(Document):
    """The ranges by their subnet."""

    subnets: dict[str, SubnetStatus] | None = None


class NetworkStatus(Document):
    """What is, beside what was asked; since API 1.52."""

    ipam: IPAMStatus = field(name="IPAM")


class NetworkInspect(Document):
    """A network; `containers` are in the answer about one network only."""

    name: str
    id: str
    created: str
    scope: str = "local"
    driver: str = ""
    enable_ipv4: bool = field(default=True, name="EnableIPv4")
    enable_ipv6: bool = field(default=False, name="EnableIPv6")
    ipam: IPAM = field(name="IPAM")
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    config_from: ConfigReference = ConfigReference()
    config_only: bool = False
    containers: dict[str, NetworkContainer]
    options: dict[str, str]
    labels: dict[str, str]
    status: NetworkStatus | UnsetType = UNSET


class NetworksPruned(Document):
    """The answer to `POST /networks/prune`: names."""

    networks_deleted: list[str] | None = None
