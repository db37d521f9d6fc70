"""`lading import`: a file system archive becomes an image."""

from __future__ import annotations

import os
import sys

from lading.cli import progress, references
from lading.cli.command import Command
from lading.cli.commands.load import open_archive, pieces
from lading.cli.flags import LIST, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "import",
    "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    "Import the contents from a tarball to create a filesystem image",
    (
        Flag("change", "c", LIST, "Apply Dockerfile instruction to the created image"),
        Flag("message", "m", STRING, "Set commit message for imported image"),
        Flag("platform", "", STRING, "Set platform if server is multi-platform capable"),
    ),
    least=1,
    most=2,
    aliases=("image import", "import"),
)


class ImportArguments(Arguments):
    change: list[str]
    message: str
    platform: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ImportArguments())
    source = args.words[0]
    name = args.words[1] if len(args.words) > 1 else ""
    repository, tag = references.split(name) if name else ("", "")
    is_url = source.startswith(("http://", "https://"))
    descriptor = -1 if is_url else open_archive("" if source == "-" else source)
    archive: Iterator[bytes] | None = None if is_url else pieces(descriptor)
    try:
        call = images.import_(
            archive,
            source=source if is_url else "-",
            repository=repository,
            tag=tag,
            message=args.message,
            changes=args.change,
            platform=args.platform,
        )
        progress.show(session.run(call), sys.stdout, session.environ)
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return 0
