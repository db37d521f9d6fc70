"""`lading network inspect`: everything about networks, as JSON."""

from __future__ import annotations

import sys

from lading.cli import inspecting
from lading.cli.command import Command
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import networks
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "network inspect",
    "[OPTIONS] NETWORK [NETWORK...]",
    "Display detailed information on one or more networks",
    (
        Flag(
            "format",
            "f",
            STRING,
            "Format output: 'json' (an array), or a template such as '{{.Driver}}'",
        ),
        Flag("verbose", "v", BOOL, "Verbose output for diagnostics"),
    ),
    least=1,
)


class InspectArguments(Arguments):
    format: str
    verbose: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, InspectArguments())
    found, problems = [], []
    for name in args.words:
        try:
            network = session.run(networks.inspect(name, verbose=args.verbose))
        except ApiError as error:
            if error.status != 404:
                raise
            problems.append(str(error))
        else:
            found.append(("network.Inspect", network))
    text, unfit = inspecting.render(found, args.format)
    sys.stdout.write(text)
    sys.stdout.flush()
    problems += unfit
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0
