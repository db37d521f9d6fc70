"""`lading volume clone`: a new volume with the content of another."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume clone",
    "[OPTIONS] VOLUME NAME",
    "Make a volume with the content of another",
    (Flag("pause", "p", BOOL, "Freeze the containers that have the volume meanwhile"),),
    least=2,
    most=2,
)


class CloneArguments(Arguments):
    pause: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CloneArguments())
    name, to = args.words
    made = session.run(volumes.clone(name, to, pause=args.pause))
    sys.stdout.write(f"{made['Name']}\n")
    return 0
