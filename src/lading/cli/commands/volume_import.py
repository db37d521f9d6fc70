"""`lading volume import`: a new volume, or an empty one, gets what is in an archive."""

from __future__ import annotations

import os
import sys

from lading.cli.command import Command
from lading.cli.commands.load import open_archive, pieces
from lading.cli.parser import Arguments, parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume import",
    "VOLUME [FILE|-]",
    "Fill a new or empty volume from a tar archive, compressed or not",
    (),
    least=1,
    most=2,
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())
    name, *rest = args.words
    descriptor = open_archive("" if rest in ([], ["-"]) else rest[0])
    try:
        made = session.run(volumes.import_(name, pieces(descriptor)))
    finally:
        os.close(descriptor)
    sys.stdout.write(f"{made['Name']}\n")
    return 0
