"""`lading export`: a container's files as a tar archive."""

from __future__ import annotations

from lading.cli import output_file
from lading.cli.command import Command
from lading.cli.flags import STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import container_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "export",
    "[OPTIONS] CONTAINER",
    "Export a container's filesystem as a tar archive",
    (Flag("output", "o", STRING, "Write to a file, instead of STDOUT"),),
    least=1,
    most=1,
    aliases=("container export", "export"),
)


class ExportArguments(Arguments):
    output: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ExportArguments())
    output_file.check(args.output, "export")
    stream = session.run(container_files.export(args.words[0]))
    output_file.write(args.output, stream.chunks())
    return 0
