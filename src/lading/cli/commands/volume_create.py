"""`lading volume create`: a volume, with or without a name."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.create_request import labels
from lading.cli.failures import Failure
from lading.cli.flags import LIST, MAP, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume create",
    "[OPTIONS] [VOLUME]",
    "Create a volume",
    (
        Flag("driver", "d", STRING, "Specify volume driver name", default="local"),
        Flag("label", "", LIST, "Set metadata for a volume"),
        Flag("name", "", STRING, "Specify volume name", hidden=True),
        Flag("opt", "o", MAP, "Set driver specific options"),
    ),
    most=1,
)


class CreateArguments(Arguments):
    driver: str
    label: list[str]
    name: str
    opt: dict[str, str]


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CreateArguments())
    name = args.words[0] if args.words else args.name
    if args.words and args.name:
        raise Failure("conflicting options: the name is given twice, by --name and without")
    try:
        labelled = labels([], args.label, lambda path: "")
    except ValueError as error:
        raise Failure(str(error)) from None
    call = volumes.create(name, driver=args.driver, options=args.opt, labels=labelled)
    made = session.run(call)
    sys.stdout.write(f"{made['Name']}\n")
    return 0
