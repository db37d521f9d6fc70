"""`lading volume export`: a volume as a tar archive."""

from __future__ import annotations

from lading.cli import output_file
from lading.cli.command import Command
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume export",
    "[OPTIONS] VOLUME",
    "Export a volume as a tar archive",
    (
        Flag("output", "o", STRING, "Write to a file, instead of STDOUT"),
        Flag("pause", "p", BOOL, "Freeze the containers that have the volume meanwhile"),
    ),
    least=1,
    most=1,
)


class ExportArguments(Arguments):
    output: str
    pause: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ExportArguments())
    output_file.check(args.output, "export")
    stream = session.run(volumes.export(args.words[0], pause=args.pause))
    output_file.write(args.output, stream.chunks())
    return 0
