"""How a container hangs on its networks: asked in `NetworkingConfig`, told in inspect and list."""

from msgspec import UNSET, UnsetType

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
