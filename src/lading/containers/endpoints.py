"""Which networks a container is to be in, and how inspect tells of them. Pure.

What is asked is in the record (`networking.endpoints_config`, by network name): a start makes an
endpoint for each, and connect and disconnect change it. `networking` acts.
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from lading.containers.record import ContainerRecord
from lading.errors import InvalidArgument, LadingError
from lading.names import short_id
from lading.networks import Endpoint, EndpointRequest, Network, wishes
from lading.networks.names import unique
from lading.wire.host_config import HostConfig
from lading.wire.networks import EndpointSettings, NetworkingConfig

NOT_USER_DEFINED = ("bridge", "host", "none", "default")


class MacConflict(InvalidArgument):
    """the container-wide MAC address must match the endpoint-specific MAC address for the main \
network, or be left empty"""


def in_context(error: LadingError) -> LadingError:
    """The error of an attach as dockerd tells it: the same status, and what it was about."""
    text = str(error)
    if text.startswith(_SET_UP):
        return error
    told: type[LadingError] = next(kind for kind in type(error).__mro__ if kind in _KINDS)
    return told(_SET_UP + text)


_SET_UP = "failed to set up container networking: "
_KINDS = frozenset([*LadingError.__subclasses__(), LadingError])


def is_user_defined(name: str) -> bool:
    """Whether a network mode or name is of a network that a user made."""
    return name not in NOT_USER_DEFINED and not name.startswith("container:")


def settle(
    asked: NetworkingConfig | None,
    host: HostConfig,
    mac: str,
    find: Callable[[str], Network | None],
) -> NetworkingConfig:
    """The networks that a new container is to be in, by name, from what its create says. Pure.

    `mac` is the container-wide MAC address, `find` gives a network by name or id if there is one.
    Raises BadEndpointConfig, MacConflict.
    """
    mode = host.network_mode or "default"
    if mode.startswith("container:"):
        return NetworkingConfig(endpoints_config={})
    mode = _name(mode, find)
    found: dict[str, EndpointSettings] = {}
    for key, settings in ((asked and asked.endpoints_config) or {}).items():
        name = _name(key, find)
        found[name] = wish(settings or EndpointSettings())
        try:
            wishes.check(found[name], find(name), is_user_defined=is_user_defined(name))
        except InvalidArgument as error:
            raise wishes.BadEndpointConfig(name, error) from error
    if not found:
        found[mode] = EndpointSettings()
    if mac and mode in found and mode != "host":
        if found[mode].mac_address not in ("", mac):
            raise MacConflict
        found[mode] = replace(found[mode], mac_address=mac)
    return NetworkingConfig(endpoints_config=dict(found))


def _name(reference: str, find: Callable[[str], Network | None]) -> str:
    if reference == "default":
        return "bridge"
    found = find(reference)
    return found.name if found else reference


def wish(settings: EndpointSettings) -> EndpointSettings:
    """What is asked, without what only an engine can say."""
    return EndpointSettings(
        ipam_config=settings.ipam_config,
        links=settings.links,
        aliases=settings.aliases,
        mac_address=settings.mac_address.lower().replace("-", ":"),
        driver_opts=settings.driver_opts,
        gw_priority=settings.gw_priority,
    )


def wanted(record: ContainerRecord) -> dict[str, EndpointSettings]:
    """The networks that the container is to be in, the one of its mode first."""
    asked = record.networking.endpoints_config
    mode = record.host_config.network_mode or "bridge"
    if asked is None:  # of a record from before there were networks of the user's
        return {} if mode.startswith("container:") else {mode: EndpointSettings()}
    order = sorted(asked, key=lambda name: name != mode)
    return {name: asked[name] or EndpointSettings() for name in order}


def requests(record: ContainerRecord) -> list[EndpointRequest]:
    """What is asked of the networks room at a start."""
    return [request(record, name, settings) for name, settings in wanted(record).items()]


def request(record: ContainerRecord, name: str, settings: EndpointSettings) -> EndpointRequest:
    """One of them."""
    ip, ipv6, link_local = wishes.asked_addresses(settings)
    return EndpointRequest(
        network=name,
        names=dns_names(record, settings) if is_user_defined(name) else (),
        links=[_link(text) for text in settings.links or []] if is_user_defined(name) else (),
        ip=ip,
        ipv6=ipv6,
        link_local_ips=link_local,
        mac=settings.mac_address,
        gw_priority=settings.gw_priority,
        options=settings.driver_opts or {},
    )


def _link(text: str) -> tuple[str, str]:
    """`name:alias` as alias and name."""
    name, _, alias = text.partition(":")
    return alias or name, name


def dns_names(record: ContainerRecord, settings: EndpointSettings) -> Sequence[str]:
    """The names by which others in a network find the container."""
    aliases = settings.aliases or []
    return unique([record.name, *aliases, short_id(record.id), record.config.hostname])


def settings_of(
    record: ContainerRecord,
    endpoints: Sequence[Endpoint],
    find: Callable[[str], Network | None],
) -> dict[str, EndpointSettings]:
    """Each network of the container as inspect tells it: what was asked and what is."""
    made = {endpoint.network_name: endpoint for endpoint in endpoints}
    found = {}
    for name, asked in wanted(record).items():
        endpoint = made.get(name)
        if endpoint is not None:
            found[name] = _told(asked, endpoint)
            continue
        has_names = is_user_defined(name) and (asked.dns_names or record.state.started_ns)
        network = find(name) if record.state.started_ns else None
        found[name] = replace(
            asked,
            network_id=network.id if network else "",
            dns_names=list(dns_names(record, asked)) if has_names else None,
        )
    return found


def _told(asked: EndpointSettings, endpoint: Endpoint) -> EndpointSettings:
    return replace(
        asked,
        network_id=endpoint.network_id,
        endpoint_id=endpoint.id,
        gateway=endpoint.gateway,
        ip_address=endpoint.ip,
        ip_prefix_len=endpoint.prefix,
        ipv6_gateway=endpoint.ipv6_gateway,
        global_ipv6_address=endpoint.ipv6,
        global_ipv6_prefix_len=endpoint.ipv6_prefix,
        mac_address=endpoint.mac,
        dns_names=list(endpoint.names) or None,
    )


def mac_of(mac: object) -> str:
    """The container-wide MAC address of a configuration, "" for none."""
    return mac.lower().replace("-", ":") if isinstance(mac, str) else ""
