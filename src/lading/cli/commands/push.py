"""`lading push`: an image to its registry."""

from __future__ import annotations

import sys

from lading.cli import docker_config, platforms, references, transfers
from lading.cli.command import Command
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "push",
    "[OPTIONS] NAME[:TAG]",
    "Upload an image to a registry",
    (
        Flag("all-tags", "a", BOOL, "Push all tags of an image to the repository"),
        Flag("platform", "", STRING, "Push a platform-specific manifest as a single image"),
        Flag("quiet", "q", BOOL, "Suppress verbose output"),
    ),
    least=1,
    most=1,
    aliases=("image push", "push"),
)


class PushArguments(Arguments):
    all_tags: bool
    platform: str
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, PushArguments())
    name = args.words[0]
    repository, tag = transfers.meant(name, all_tags=args.all_tags, quiet=args.quiet)
    auth = docker_config.header_for(repository, session.environ)
    platform = platforms.to_json(args.platform)
    stream = session.run(images.push(repository, tag, platform=platform, auth=auth))
    transfers.follow(stream, session.environ, quiet=args.quiet)
    if args.quiet:
        sys.stdout.write(references.complete(name) + "\n")
    return 0
