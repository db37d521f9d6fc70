"""`lading volume ls`: a table of volumes."""

from __future__ import annotations

import sys

from lading.cli import format
from lading.cli.command import Command
from lading.cli.disk_details import VOLUME
from lading.cli.flags import BOOL, Flag
from lading.cli.list_flags import FILTER_FLAG, FORMAT_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume ls",
    "[OPTIONS]",
    "List volumes",
    (
        FILTER_FLAG,
        FORMAT_FLAG,
        Flag("quiet", "q", BOOL, "Only display volume names"),
    ),
    most=0,
    aliases=("volume ls", "volume list"),
)


class LsArguments(Arguments):
    filter: dict[str, list[str]]
    format: str
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, LsArguments())
    answer = session.run(volumes.list_(args.filter))
    for warning in answer.get("Warnings") or []:
        sys.stderr.write(f"{warning}\n")
    found = sorted(answer.get("Volumes") or [], key=lambda volume: str(volume["Name"]))
    if args.quiet and not args.format:
        sys.stdout.write("".join(f"{volume['Name']}\n" for volume in found))
        return 0
    sys.stdout.write(
        format.rows(
            found, VOLUME, args.format, ("Driver", "Name"), go_type="*formatter.volumeContext"
        )
    )
    return 0
