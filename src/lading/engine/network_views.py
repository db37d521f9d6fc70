"""Networks as Docker's documents. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import UNSET, UnsetType

from lading.logs.lines import format_time
from lading.networks.records import Endpoint, Network, Settings, Subnet
from lading.wire.networks import (
    IPAM,
    ConfigReference,
    IPAMPool,
    IPAMStatus,
    NetworkContainer,
    NetworkInspect,
    NetworkStatus,
    SubnetStatus,
)

_INT64 = (1 << 63) - 1


def document(
    network: Network,
    endpoints: Iterable[Endpoint] = (),
    names: Mapping[str, str] = {},
    *,
    settings: Settings,
    status: Mapping[str, tuple[int, int]] | None = None,
) -> NetworkInspect:
    """The network; `names` are those of containers by id, `status` what its ranges hold."""
    return NetworkInspect(
        name=network.name,
        id=network.id,
        created=format_time(network.created_ns),
        driver=network.driver,
        enable_ipv4=network.enable_ipv4,
        enable_ipv6=network.enable_ipv6,
        ipam=_ipam(network),
        internal=network.internal,
        attachable=network.attachable,
        ingress=network.ingress,
        config_from=ConfigReference(network=network.config_from),
        config_only=network.config_only,
        containers={one.container_id: _member(one, names) for one in endpoints},
        options=_options(network, settings),
        labels=network.labels,
        status=UNSET if status is None else _status(status),
    )


def _ipam(network: Network) -> IPAM:
    pools = [_pool(one) for one in network.subnets]
    return IPAM(driver=network.ipam_driver, options=network.ipam_options, config=pools or None)


def _pool(one: Subnet) -> IPAMPool:
    """What was asked as it was asked, what was chosen in full."""

    def told(text: str) -> str | UnsetType:
        return text or UNSET

    shows_gateway = one.is_gateway_asked or not one.is_asked
    return IPAMPool(
        subnet=one.subnet,
        ip_range=told(one.ip_range),
        gateway=told(one.gateway if shows_gateway else ""),
        auxiliary_addresses=one.aux or UNSET,
    )


def _member(endpoint: Endpoint, names: Mapping[str, str]) -> NetworkContainer:
    return NetworkContainer(
        name=names.get(endpoint.container_id, ""),
        endpoint_id=endpoint.id,
        mac_address=endpoint.mac,
        ipv4_address=f"{endpoint.ip}/{endpoint.prefix}" if endpoint.ip else "",
        ipv6_address=f"{endpoint.ipv6}/{endpoint.ipv6_prefix}" if endpoint.ipv6 else "",
    )


def _options(network: Network, settings: Settings) -> dict[str, str]:
    """The user's; those of the default bridge are the engine's settings."""
    if network.name != "bridge":
        return network.options
    prefix = "com.docker.network.bridge."
    return {
        f"{prefix}default_bridge": "true",
        f"{prefix}enable_icc": str(settings.icc).lower(),
        f"{prefix}enable_ip_masquerade": str(settings.ip_masq).lower(),
        f"{prefix}host_binding_ipv4": "0.0.0.0",
        f"{prefix}name": network.bridge or settings.bridge_name,
        "com.docker.network.driver.mtu": str(network.mtu or settings.mtu),
    }


def _status(found: Mapping[str, tuple[int, int]]) -> NetworkStatus:
    subnets = {
        subnet: SubnetStatus(ips_in_use=min(taken, _INT64), dynamic_ips_available=min(free, _INT64))
        for subnet, (taken, free) in found.items()
    }
    return NetworkStatus(ipam=IPAMStatus(subnets=subnets))
