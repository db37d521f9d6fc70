"""`lading backup verify`: whether a backup is whole, and what is in it."""

from __future__ import annotations

import os
import sys
import time

from lading.cli.archives import opened
from lading.cli.command import Command
from lading.cli.flags import STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import backups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "backup verify",
    "[OPTIONS] [FILE|-]",
    "Check a backup by its digest, and show what is in it",
    (Flag("passphrase-file", "", STRING, "Read the passphrase from a file"),),
    most=1,
)


class VerifyArguments(Arguments):
    passphrase_file: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, VerifyArguments())
    descriptor, chunks = opened(args.words[0] if args.words else "", args.passphrase_file)
    try:
        found = session.run(backups.verify(chunks))
    finally:
        os.close(descriptor)
    sys.stdout.write(render(found))
    return 0


def render(found: Document) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(found["Created"]))
    rows = {
        "Container": found["Container"],
        "Image": found["Image"],
        "Created": moment,
        "Frozen": "yes" if found["Frozen"] else "no",
        "Volumes": ", ".join(found["Volumes"]) or "none",
        "Members": found["Members"],
    }
    return "".join(f"{key}: {value}\n" for key, value in rows.items()) + "The backup is whole\n"
