"""`lading rm`: containers go, with what they wrote."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import containers
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "rm",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Remove one or more containers",
    (
        Flag("force", "f", BOOL, "Force the removal of a running container (uses SIGKILL)"),
        Flag("link", "l", BOOL, "Remove the specified link"),
        Flag("volumes", "v", BOOL, "Remove anonymous volumes associated with the container"),
    ),
    least=1,
    aliases=("container rm", "container remove", "rm"),
)


class RmArguments(Arguments):
    force: bool
    link: bool
    volumes: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, RmArguments())

    def remove(name: str) -> str | None:
        call = containers.remove(
            name.strip("/"), force=args.force, volumes=args.volumes, link=args.link
        )
        try:
            session.run(call)
        except ApiError as error:
            if not (args.force and error.status == 404):
                raise
            # as `rm -f` of a file: what is not there is no failure
            sys.stderr.write(f"{error}\n")
            return ""
        return None

    return for_each(args.words, remove)
