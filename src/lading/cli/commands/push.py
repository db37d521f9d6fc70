"""`lading push`: an image to its registry."""

from __future__ import annotations

import sys

from lading.cli import docker_config, platforms, progress, references
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
    repository, tag = references.split(name)
    if args.all_tags:
        if references.has_tag(name):
            raise Failure("tag can't be used with --all-tags/-a")
        tag = ""
    elif not references.has_tag(name) and not args.quiet:
        sys.stdout.write("Using default tag: latest\n")
        sys.stdout.flush()
    auth = docker_config.header_for(repository, session.environ)
    platform = platforms.to_json(args.platform)
    stream = session.run(images.push(repository, tag, platform=platform, auth=auth))
    if args.quiet:
        for _ in progress.documents(stream):
            pass
        sys.stdout.write(references.complete(name) + "\n")
    else:
        progress.show(stream, sys.stdout, session.environ)
    return 0
