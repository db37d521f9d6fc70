"""`lading network prune`: networks that no container is in go."""

from __future__ import annotations

import sys

from lading.cli import confirming
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, FILTER, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "network prune",
    "[OPTIONS]",
    "Remove all unused networks",
    (
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "until=<timestamp>")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
    ),
    most=0,
)

WARNING = "WARNING! This will remove all custom networks not used by at least one container."


class PruneArguments(Arguments):
    filter: dict[str, list[str]]
    force: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, PruneArguments())
    if not args.force and not confirming.confirm(WARNING):
        raise Failure("network prune has been cancelled")
    done = session.run(objects.prune("networks", args.filter))
    sys.stdout.write(confirming.report("Deleted Networks", done.get("NetworksDeleted") or []))
    return 0
