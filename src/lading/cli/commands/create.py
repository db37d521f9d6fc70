"""`lading create`: a container that does not run yet."""

from __future__ import annotations

import sys

from lading.cli import creating
from lading.cli.command import Command
from lading.cli.container_flags import FLAGS, CreateArguments
from lading.cli.parser import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "create",
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create a new container",
    FLAGS,
    least=1,
    interspersed=False,
    aliases=("container create", "create"),
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CreateArguments())
    try:
        identity = creating.create(session, args)
    except creating.CREATING_ERRORS as error:
        raise creating.failure(error, "create") from error
    sys.stdout.write(identity + "\n")
    return 0
