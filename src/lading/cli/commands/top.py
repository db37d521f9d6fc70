"""`lading top`: the processes of a container, as `ps` shows them."""

from __future__ import annotations

import sys

from lading.cli import table
from lading.cli.command import Command
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "top",
    "CONTAINER [ps OPTIONS]",
    "Display the running processes of a container",
    least=1,
    interspersed=False,
    aliases=("container top", "top"),
)
MIN_WIDTH = 20  # Docker's, for this table alone


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())
    found = session.run(containers.top(args.words[0], " ".join(args.words[1:])))
    rows = [found["Titles"], *(found["Processes"] or [])]
    sys.stdout.write(table.render(rows, min_width=MIN_WIDTH))
    return 0
