"""From `POST /networks/create` to a network's record, without its addresses. Pure.

Checks run in dockerd's order and speak its words. What the host has, and what other networks have,
is not looked at here: addresses and links are chosen by the driver (`Driver.complete`).
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from msgspec import UNSET

from lading.errors import Conflict, InvalidArgument, NotFound, PermissionDenied
from lading.networks import options
from lading.networks.ipam import IPNetwork
from lading.networks.records import Network, Settings, Subnet
from lading.wire.networks import IPAM, IPAMPool, NetworkCreate

PREDEFINED = ("bridge", "host", "none", "default")
ONE_INSTANCE = ("host", "null")


class NoName(InvalidArgument):
    """invalid name: name is empty"""


class Predefined(PermissionDenied):
    """operation is not permitted on predefined {0} network\x20"""


class NameTaken(Conflict):
    """network with name {0} already exists"""


class OneInstance(PermissionDenied):
    """only one instance of "{0}" network is allowed"""


class NoSuchDriver(NotFound):
    """plugin "{0}" not found"""


class NoSwarm(PermissionDenied):
    """cannot create a swarm scoped network when swarm is not active"""


class NoSwarmManager(PermissionDenied):
    """This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" \
to connect this node to swarm and try again."""


class NoIngress(PermissionDenied):
    """Ingress network can only be global scope network"""


class NoFamily(InvalidArgument):
    """IPv4 or IPv6 must be enabled"""


class NoPool(InvalidArgument):
    """ipv4 pool is empty"""


class BadConfig(InvalidArgument):
    """invalid network config:\n{0}"""


class NoConfigNetwork(NotFound):
    """configuration network "{0}" does not exist"""


class NestedConfig(PermissionDenied):
    """a configuration network cannot depend on another configuration network"""


class OperatorFields(PermissionDenied):
    """configuration network can only contain network specific fields. Network operator fields \
like [ ingress | internal | attachable | scope ] are not supported."""


class OwnFields(PermissionDenied):
    """user specified configurations are not supported if the network depends on a configuration \
network"""


class ConfigOnlyJoin(PermissionDenied):
    """cannot connect to network {0}: it is a configuration network"""


def define(
    asked: NetworkCreate,
    *,
    network_id: str,
    now_ns: int,
    drivers: Sequence[str],
    others: Sequence[Network],
    settings: Settings,
) -> Network:
    """The record, with the subnets that were asked. `drivers` are the names of those we have."""
    _check_name(asked, others)
    template = _template(asked, others)
    driver = asked.driver or "bridge"
    _check_driver(asked, driver, drivers)
    ipam = asked.ipam or IPAM()
    found = dict(asked.options or {})
    if not asked.config_only and template is None:
        found = _default_options(settings, driver) | found
    if template:
        return _of_template(asked, template, driver=driver, network_id=network_id, now_ns=now_ns)
    ipv4, ipv6 = _families(asked, found)
    subnets = _subnets(ipam)
    if ipam.driver not in ("", "default", "null"):
        raise NoSuchDriver(ipam.driver)
    if ipam.driver == "null" and driver == "bridge":
        raise NoPool
    if not asked.config_only and not (ipv4 or ipv6):
        raise NoFamily
    return Network(
        id=network_id,
        name=asked.name,
        driver="null" if asked.config_only else driver,  # nothing is ever made of it
        created_ns=now_ns,
        subnets=tuple(sorted(subnets, key=lambda one: one.is_ipv6)),
        options=found,
        labels=dict(asked.labels or {}),
        ipam_driver=ipam.driver or "default",
        ipam_options=ipam.options,
        enable_ipv4=ipv4,
        enable_ipv6=ipv6,
        internal=asked.internal,
        attachable=asked.attachable,
        ingress=asked.ingress,
        config_only=asked.config_only,
    )


def _check_name(asked: NetworkCreate, others: Sequence[Network]) -> None:
    if not asked.name.strip():
        raise NoName
    if asked.name in PREDEFINED:
        raise Predefined(asked.name)
    if any(other.name == asked.name for other in others):
        raise NameTaken(asked.name)


def _check_driver(asked: NetworkCreate, driver: str, drivers: Sequence[str]) -> None:
    if asked.scope == "swarm":
        raise NoSwarm
    if driver == "overlay":
        raise NoSwarmManager
    if asked.ingress:
        raise NoIngress
    if driver in ONE_INSTANCE:
        raise OneInstance(driver)
    if driver not in drivers:
        raise NoSuchDriver(driver)


def _template(asked: NetworkCreate, others: Sequence[Network]) -> Network | None:
    """The network whose configuration is taken. Raises what is wrong with asking so."""
    wanted = asked.config_from.network if asked.config_from else ""
    if asked.config_only and wanted:
        raise NestedConfig
    if asked.config_only and (
        asked.ingress or asked.internal or asked.attachable or asked.scope not in ("", "local")
    ):
        raise OperatorFields
    if not wanted:
        return None
    found = next((one for one in others if wanted in (one.name, one.id)), None)
    if found is None or not found.config_only:
        raise NoConfigNetwork(wanted)
    if (asked.ipam and (asked.ipam.config or asked.ipam.options)) or asked.options or asked.labels:
        raise OwnFields
    return found


def _of_template(
    asked: NetworkCreate, template: Network, *, driver: str, network_id: str, now_ns: int
) -> Network:
    return Network(
        id=network_id,
        name=asked.name,
        driver=driver,
        created_ns=now_ns,
        subnets=template.subnets,
        options=template.options,
        labels=template.labels,
        ipam_driver=template.ipam_driver,
        ipam_options=template.ipam_options,
        enable_ipv4=template.enable_ipv4,
        enable_ipv6=template.enable_ipv6,
        internal=asked.internal,
        attachable=asked.attachable,
        config_from=template.name,
    )


def _default_options(settings: Settings, driver: str) -> dict[str, str]:
    """--default-network-opt DRIVER=NAME=VALUE."""
    return {
        name: value
        for of, pairs in settings.default_network_options
        if of == driver
        for name, value in pairs
    }


def _families(asked: NetworkCreate, found: dict[str, str]) -> tuple[bool, bool]:
    """Whether it has IPv4 and IPv6: a field of the request counts more than an option."""
    ipv4 = options.enables(found, options.ENABLE_IPV4) if asked.enable_ipv4 is None else None
    ipv6 = options.enables(found, options.ENABLE_IPV6) if asked.enable_ipv6 is None else None
    if asked.enable_ipv4 is not None:
        ipv4 = asked.enable_ipv4
    if asked.enable_ipv6 is not None:
        ipv6 = asked.enable_ipv6
    return ipv4 is not False, bool(ipv6)


def _subnets(ipam: IPAM) -> list[Subnet]:
    """The ranges that are asked for. Raises BadConfig with every fault, one a line."""
    found: list[Subnet] = []
    faults: list[str] = []
    for pool in ipam.config or []:
        subnet = _cidr(pool.subnet, "subnet", faults)
        if subnet is None:
            continue
        found.append(_subnet(pool, subnet, faults))
    if faults:
        raise BadConfig("\n".join(faults))
    return found


def _subnet(pool: IPAMPool, subnet: IPNetwork, faults: list[str]) -> Subnet:
    parent = f"parent subnet {subnet}"
    ip_range = ""
    if pool.ip_range is not UNSET and pool.ip_range:
        part = _cidr(pool.ip_range, "ip-range", faults)
        if part and part.prefixlen < subnet.prefixlen:
            faults.append(f"invalid ip-range {part}: CIDR block is bigger than its {parent}")
        elif part and part.network_address not in subnet:
            faults.append(f"invalid ip-range {part}: {parent} doesn't contain ip-range")
        ip_range = str(part) if part else ""
    gateway = "" if pool.gateway is UNSET else pool.gateway
    if gateway:
        gateway = _inside(gateway, f"gateway {gateway}", subnet, faults)
    asked = {} if pool.auxiliary_addresses is UNSET else pool.auxiliary_addresses or {}
    aux = {
        name: _inside(ip, f"auxiliary address {name}", subnet, faults) for name, ip in asked.items()
    }
    return Subnet(
        subnet=str(subnet),
        gateway=gateway,
        ip_range=ip_range,
        aux=aux,
        is_asked=True,
        is_gateway_asked=bool(gateway),
    )


def _inside(ip: str, what: str, subnet: IPNetwork, faults: list[str]) -> str:
    """The address in its usual spelling, if it is one in the subnet."""
    try:
        address = ip_address(ip)
    except ValueError:
        faults.append(f"invalid {what}: invalid address")
        return ""
    if address not in subnet:
        faults.append(f"invalid {what}: parent subnet {subnet} doesn't contain this address")
    return str(address)


def _cidr(text: object, what: str, faults: list[str]) -> IPNetwork | None:
    """A subnet without bits of an address in it."""
    told = text if isinstance(text, str) else ""
    try:
        found = ip_network(told, strict=False)
        if "/" not in told:
            raise ValueError(told)
    except ValueError:
        faults.append(f"invalid {what} {told}: invalid CIDR block notation")
        return None
    if str(found.network_address) != str(ip_address(told.partition("/")[0])):
        faults.append(f"invalid {what} {told}: it should be {found}")
        return None
    return found
