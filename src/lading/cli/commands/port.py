"""`lading port`: where the host listens for a container."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "port",
    "CONTAINER [PRIVATE_PORT[/PROTO]]",
    "List port mappings or a specific mapping for the container",
    least=1,
    most=2,
    aliases=("container port", "port"),
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())
    found = session.run(containers.inspect(args.words[0]))
    published = found["NetworkSettings"]["Ports"] or {}
    if len(args.words) == 1:
        lines = [f"{port} -> {host}" for port in published for host in hosts(published, port)]
    else:
        port = wanted_port(args.words[1])
        lines = hosts(published, port)
        if not lines:
            name, asked = args.words
            raise Failure(f"Error: No public port '{asked}' published for {name}")
    sys.stdout.write("".join(line + "\n" for line in sorted(lines, key=_by_number)))
    return 0


def wanted_port(text: str) -> str:
    """`80` is `80/tcp`. Raises Failure."""
    number, _, protocol = text.partition("/")
    if not number.isdigit() or int(number) > 65535:
        raise Failure(
            f'Error: invalid port ({number}): strconv.ParseUint: parsing "{number}": invalid syntax'
        )
    return f"{number}/{protocol or 'tcp'}"


def hosts(published: Document, port: str) -> list[str]:
    """`0.0.0.0:8080` for each binding of a port."""
    return [join(binding["HostIp"], binding["HostPort"]) for binding in published.get(port) or []]


def join(address: str, port: str) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _by_number(line: str) -> tuple[int, str]:
    number = line.partition("/")[0]
    return int(number) if number.isdigit() else 0, line
