"""`lading volume prune`: the volumes that no container has go."""

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
    "volume prune",
    "[OPTIONS]",
    "Remove unused local volumes",
    (
        Flag("all", "a", BOOL, "Remove all unused volumes, not just anonymous ones"),
        Flag("filter", "", FILTER, 'Provide filter values (e.g. "label=<label>")'),
        Flag("force", "f", BOOL, "Do not prompt for confirmation"),
    ),
    most=0,
)

ANONYMOUS = "WARNING! This will remove anonymous local volumes not used by at least one container."
ALL = "WARNING! This will remove all local volumes not used by at least one container."


class PruneArguments(Arguments):
    all: bool
    filter: dict[str, list[str]]
    force: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, PruneArguments())
    filters = dict(args.filter)
    if args.all:
        if "all" in filters:
            raise Failure("conflicting options: cannot specify both --all and --filter all=1")
        filters["all"] = ["true"]
    if not args.force and not confirming.confirm(ALL if args.all else ANONYMOUS):
        return 0
    done = session.run(objects.prune("volumes", filters))
    sys.stdout.write(confirming.report("Deleted Volumes", done.get("VolumesDeleted") or []))
    sys.stdout.write(confirming.reclaimed(done.get("SpaceReclaimed") or 0))
    return 0
