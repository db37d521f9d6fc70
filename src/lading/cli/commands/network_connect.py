"""`lading network connect`: put a container into one more network."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.container_flags import IP
from lading.cli.failures import Failure
from lading.cli.flags import INT, LIST, STRINGS, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import networks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "network connect",
    "[OPTIONS] NETWORK CONTAINER",
    "Connect a container to a network",
    (
        Flag("alias", "", STRINGS, "Add network-scoped alias for the container"),
        Flag("driver-opt", "", STRINGS, "driver options for the network"),
        Flag("gw-priority", "", INT, "Highest gw-priority provides the default gateway"),
        Flag("ip", "", IP, 'IPv4 address (e.g., "172.30.100.104")'),
        Flag("ip6", "", IP, 'IPv6 address (e.g., "2001:db8::33")'),
        Flag("link", "", LIST, "Add link to another container"),
        Flag("link-local-ip", "", STRINGS, "Add a link-local address for the container"),
    ),
    least=2,
    most=2,
)


class ConnectArguments(Arguments):
    alias: list[str]
    driver_opt: list[str]
    gw_priority: int
    ip: str
    ip6: str
    link: list[str]
    link_local_ip: list[str]


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ConnectArguments())
    name, container = args.words
    session.run(networks.connect(name, container, endpoint(args)))
    return 0


def endpoint(args: ConnectArguments) -> Document:
    """The EndpointConfig of what was asked; empty when nothing was."""
    document: Document = {}
    ipam = {
        "IPv4Address": args.ip,
        "IPv6Address": args.ip6,
        "LinkLocalIPs": args.link_local_ip,
    }
    asked = {key: value for key, value in ipam.items() if value}
    if asked:
        document["IPAMConfig"] = asked
    options = {}
    for text in args.driver_opt:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise Failure("invalid key/value pair format in driver options")
        options[key.strip().lower()] = value.strip()
    given = {
        "Aliases": args.alias,
        "DriverOpts": options,
        "GwPriority": args.gw_priority,
        "Links": args.link,
    }
    return document | {key: value for key, value in given.items() if value}
