"""`lading logout`: forget who we are at a registry."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.docker_config import HUB, DockerConfig, key_of
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command("logout", "[SERVER]", "Log out from a registry", (), most=1)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())
    key = key_of(args.words[0]) if args.words else HUB
    if DockerConfig(session.environ).forget(key):
        sys.stdout.write(f"Removing login credentials for {key}\n")
    else:
        sys.stdout.write(f"Not logged in to {key}\n")
    return 0
