"""Legacy links (--link name:alias): another container's address and variables, by an alias. Pure.

Kept for old clients and projects: on the default bridge a link is a line in /etc/hosts and a set of
variables, both as they are at the start. A link has a name of its own, /parent/alias, by which the
linked container is found. Source: https://docs.docker.com/engine/network/links/
"""

from collections.abc import Iterable
from typing import NamedTuple

from lading.errors import Conflict, InvalidArgument

_NOT_TOLD = frozenset(["HOME", "PATH"])  # variables of the image's making, not of the service


class BadLink(InvalidArgument):
    """invalid link format: {0}"""


class LinkedMissing(InvalidArgument):
    """could not get container for {0}: {1}"""


class LinkedNotRunning(Conflict):
    """Cannot link to a non running container: /{0} AS /{1}/{2}"""


class DefaultName(Conflict):
    """Conflict, cannot remove the default link name of the container"""


class Linked(NamedTuple):
    """A container that is linked to, as it is at a start."""

    alias: str
    name: str
    ip: str
    ports: list[str]  # "80/tcp", exposed
    env: list[str]


def parse(text: str) -> tuple[str, str]:
    """`name:alias`, or `name` alone, as name and alias. Raises BadLink."""
    name, colon, alias = text.partition(":")
    name = name.strip("/")
    alias = alias.rpartition("/")[2] if colon else name
    if not name or not alias or ":" in alias:
        raise BadLink(text)
    return name, alias


def variables(parent: str, linked: Linked) -> list[str]:
    """The variables by which a program finds the linked container."""
    prefix = linked.alias.upper().replace("-", "_")
    ports = sorted(_split(port) for port in linked.ports)
    found = []
    if ports:
        found.append(f"{prefix}_PORT={_url(linked.ip, ports[0])}")
    for number, protocol in ports:
        key = f"{prefix}_PORT_{number}_{protocol.upper()}"
        found += [
            f"{key}={_url(linked.ip, (number, protocol))}",
            f"{key}_ADDR={linked.ip}",
            f"{key}_PORT={number}",
            f"{key}_PROTO={protocol}",
        ]
    found.append(f"{prefix}_NAME=/{parent}/{linked.alias}")
    for entry in linked.env:
        name, equals, value = entry.partition("=")
        if equals and name not in _NOT_TOLD:
            found.append(f"{prefix}_ENV_{name}={value}")
    return found


def host_lines(links: Iterable[Linked]) -> str:
    """Lines of /etc/hosts."""
    lines = []
    for linked in links:
        names = linked.alias if linked.alias == linked.name else f"{linked.alias} {linked.name}"
        lines.append(f"{linked.ip}\t{names}\n")
    return "".join(lines)


def _split(port: str) -> tuple[int, str]:
    number, _, protocol = port.partition("/")
    return int(number.partition("-")[0]), protocol or "tcp"


def _url(ip: str, port: tuple[int, str]) -> str:
    return f"{port[1]}://{ip}:{port[0]}"
