"""`lading commit`: an image of what a container has become."""

from __future__ import annotations

import sys

from lading.cli import references
from lading.cli.command import Command
from lading.cli.flags import BOOL, LIST, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "commit",
    "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    "Create a new image from a container's changes",
    (
        Flag("author", "a", STRING, 'Author (e.g., "Ada Lovelace <ada@example.org>")'),
        Flag("change", "c", LIST, "Apply Dockerfile instruction to the created image"),
        Flag("message", "m", STRING, "Commit message"),
        Flag("no-pause", "", BOOL, "Disable pausing container during commit"),
        Flag("pause", "p", BOOL, "Pause container during commit", default=True),
    ),
    least=1,
    most=2,
    aliases=("container commit", "commit"),
)


class CommitArguments(Arguments):
    author: str
    change: list[str]
    message: str
    no_pause: bool
    pause: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CommitArguments())
    repository, tag = references.split(args.words[1]) if len(args.words) > 1 else ("", "")
    identity = session.run(
        containers.commit(
            args.words[0],
            repository=repository,
            tag=tag,
            author=args.author,
            comment=args.message,
            changes=args.change,
            pause=args.pause and not args.no_pause,
        )
    )
    sys.stdout.write(identity + "\n")
    return 0
