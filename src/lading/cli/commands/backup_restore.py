"""`lading backup restore`: the container of a backup with its volumes, stopped."""

from __future__ import annotations

import os
import sys

from lading.cli.archives import opened
from lading.cli.command import Command
from lading.cli.flags import LIST, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import backups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "backup restore",
    "[OPTIONS] [FILE|-]",
    "Create the container of a backup, with new volumes that have what was saved",
    (
        Flag("name", "", STRING, "Another name for the container"),
        Flag("passphrase-file", "", STRING, "Read the passphrase from a file"),
        Flag("volume", "", LIST, "Another name for a volume (OLD=NEW)"),
    ),
    most=1,
)


class RestoreArguments(Arguments):
    name: str
    passphrase_file: str
    volume: list[str]


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, RestoreArguments())
    descriptor, chunks = opened(args.words[0] if args.words else "", args.passphrase_file)
    try:
        made = session.run(backups.restore(chunks, name=args.name, volumes=args.volume))
    finally:
        os.close(descriptor)
    for warning in made.get("Warnings") or []:
        sys.stderr.write(f"WARNING: {warning}\n")
    sys.stdout.write(f"{made['Id']}\n")
    return 0
