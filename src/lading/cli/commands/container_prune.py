"""`lading container prune`: all stopped containers go."""

from __future__ import annotations

import sys

from lading.cli import confirming
from lading.cli.command import Command
from lading.cli.flags import BOOL, FILTER, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "container prune",
    "[OPTIONS]",
    "Remove all stopped containers",
    (
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "until=<timestamp>")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
    ),
    most=0,
)

WARNING = "WARNING! This will remove all stopped containers."


class PruneArguments(Arguments):
    filter: dict[str, list[str]]
    force: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, PruneArguments())
    if not args.force and not confirming.confirm(WARNING):
        return 0
    done = session.run(objects.prune("containers", args.filter))
    sys.stdout.write(confirming.report("Deleted Containers", done.get("ContainersDeleted") or []))
    sys.stdout.write(confirming.reclaimed(done.get("SpaceReclaimed") or 0))
    return 0
