"""`lading pull`: an image from a registry."""

from __future__ import annotations

import sys

from lading.cli import docker_config, references, transfers
from lading.cli.command import Command
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "pull",
    "[OPTIONS] NAME[:TAG|@DIGEST]",
    "Download an image from a registry",
    (
        Flag("all-tags", "a", BOOL, "Download all tagged images in the repository"),
        Flag("platform", "", STRING, "Set platform if the image is for several"),
        Flag("quiet", "q", BOOL, "Suppress verbose output"),
    ),
    least=1,
    most=1,
    aliases=("image pull", "pull"),
)


class PullArguments(Arguments):
    all_tags: bool
    platform: str
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, PullArguments())
    name = args.words[0]
    repository, tag = transfers.meant(name, all_tags=args.all_tags, quiet=args.quiet)
    auth = docker_config.header_for(repository, session.environ)
    stream = session.run(images.pull(repository, tag, platform=args.platform, auth=auth))
    transfers.follow(stream, session.environ, quiet=args.quiet)
    sys.stdout.write(references.complete(name) + "\n")
    return 0
