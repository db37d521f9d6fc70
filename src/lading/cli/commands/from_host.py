"""`lading image from-host`: an image made of this host's own programs; needs no network."""

from __future__ import annotations

import sys

from lading.cli import progress
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "image from-host",
    "--tag NAME[:TAG] TOOL [TOOL...]",
    "Assemble an image from programs of this host and the libraries they need",
    (
        Flag("quiet", "q", BOOL, "Suppress the progress output"),
        Flag("tag", "t", STRING, "Name of the image"),
    ),
    least=1,
)


class FromHostArguments(Arguments):
    quiet: bool
    tag: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, FromHostArguments())
    if not args.tag:
        raise Failure("lading: the image needs a name: --tag NAME", 125)
    stream = session.run(images.from_host(args.tag, args.words))
    if args.quiet:
        for _ in progress.documents(stream):
            pass
    else:
        progress.show(stream, sys.stdout, session.environ)
    return 0
