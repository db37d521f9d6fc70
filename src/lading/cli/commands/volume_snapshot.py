"""`lading volume snapshot`: what is in a volume now, kept under another name."""

from __future__ import annotations

import sys
import time

from lading.cli.command import Command
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume snapshot",
    "[OPTIONS] VOLUME [NAME]",
    "Keep the content of a volume as it is now, under another name",
    (Flag("pause", "p", BOOL, "Freeze the containers that have the volume meanwhile"),),
    least=1,
    most=2,
)


class CloneArguments(Arguments):
    pause: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CloneArguments())
    name, *rest = args.words
    to = rest[0] if rest else f"{name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    made = session.run(volumes.clone(name, to, pause=args.pause, is_snapshot=True))
    sys.stdout.write(f"{made['Name']}\n")
    return 0
