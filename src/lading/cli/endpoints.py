"""The networks of `run` and `create`: `--network`, once or often, and the flags of the first.

`--ip`, `--ip6`, `--mac-address`, `--network-alias`, `--link-local-ip` and `--link` are about the
first network; the long form (`--network name=web,alias=db,ip=10.0.0.9`) says the same of any.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.cli.container_flags import CreateArguments
    from lading.sdk.request import Document

# Networks that are a way of sharing, not something to have an endpoint in.
_WITHOUT_ENDPOINT = ("default", "host", "none")
_BOTH = "conflicting options: cannot specify both {} and per-network {}"


def endpoints(args: CreateArguments) -> Document:
    """EndpointsConfig of what was asked. Raises ValueError with Docker's words."""
    networks = args.network or [("default", {})]
    names = [name for name, _ in networks]
    _check(names)
    found: dict[str, Document] = {}
    for position, (name, asked) in enumerate(networks):
        endpoint: Document = dict(asked)
        if position == 0:
            _add_flags(args, name, endpoint)
        if endpoint.get("Aliases") and not is_user_defined(name):
            raise ValueError(
                "network-scoped alias is supported only for containers in user defined networks"
            )
        if endpoint or _has_endpoint(name):
            found[name] = endpoint
    return found


def is_user_defined(name: str) -> bool:
    """Whether a network mode is the name of a network that a user made."""
    return name not in (*_WITHOUT_ENDPOINT, "bridge") and not name.startswith("container:")


def _has_endpoint(name: str) -> bool:
    return name not in _WITHOUT_ENDPOINT and not name.startswith("container:")


def _check(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'network "{name}" is specified multiple times')
    if len(names) > 1 and not all(name == "bridge" or is_user_defined(name) for name in names):
        raise ValueError(
            "conflicting options: cannot attach both user-defined and non-user-defined "
            "network-modes"
        )


def _add_flags(args: CreateArguments, name: str, endpoint: Document) -> None:
    """What the flags beside `--network` say, unless its long form says it as well."""
    ipam: Document = dict(endpoint.get("IPAMConfig") or {})
    for value, key, flag, what in (
        (args.ip, "IPv4Address", "--ip", "IPv4 address"),
        (args.ip6, "IPv6Address", "--ip6", "IPv6 address"),
        (args.link_local_ip, "LinkLocalIPs", "--link-local-ip", "link-local IP addresses"),
    ):
        if value:
            if ipam.get(key):
                raise ValueError(_BOTH.format(flag, what))
            ipam[key] = value
    if ipam:
        endpoint["IPAMConfig"] = ipam
    for value, key, flag, what in (
        (args.network_alias, "Aliases", "--network-alias", "alias"),
        (args.mac_address, "MacAddress", "--mac-address", "MAC address"),
    ):
        if value:
            if endpoint.get(key):
                raise ValueError(_BOTH.format(flag, what))
            endpoint[key] = value
    if args.link and is_user_defined(name):
        endpoint["Links"] = args.link
