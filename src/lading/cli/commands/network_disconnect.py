"""`lading network disconnect`: take a container out of a network."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import networks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "network disconnect",
    "[OPTIONS] NETWORK CONTAINER",
    "Disconnect a container from a network",
    (Flag("force", "f", BOOL, "Force the container to disconnect from a network"),),
    least=2,
    most=2,
)


class DisconnectArguments(Arguments):
    force: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, DisconnectArguments())
    name, container = args.words
    session.run(networks.disconnect(name, container, force=args.force))
    return 0
