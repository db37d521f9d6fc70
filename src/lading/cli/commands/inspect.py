"""`lading inspect`: everything the engine knows about an object, as JSON."""

from __future__ import annotations

import sys

from lading.cli import inspecting
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import objects
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "inspect",
    "[OPTIONS] NAME|ID [NAME|ID...]",
    "Return low-level information on containers, images, networks and volumes",
    (
        Flag(
            "format",
            "f",
            STRING,
            "Format output: 'json' (an array), or a template such as '{{.State.Status}}'",
        ),
        Flag("size", "s", BOOL, "Display total file sizes if the type is container"),
        Flag(
            "type",
            "",
            STRING,
            "Only inspect objects of the given type (container|image|...)",
        ),
    ),
    least=1,
    aliases=("container inspect", "image inspect", "volume inspect", "inspect"),
)

# In the order in which a name is looked for, with what templates see (`shapes`).
TYPES = {
    "container": "container.InspectResponse",
    "image": "image.InspectResponse",
    "network": "network.Inspect",
    "volume": "volume.Volume",
}


class InspectArguments(Arguments):
    format: str
    size: bool
    type: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, InspectArguments())
    kind = session.group or args.type
    if kind and kind not in TYPES:
        raise Failure(f'"{kind}" is not a valid value for --type')
    found, problems = [], []
    for name in args.words:
        try:
            found.append(_find(session, name, kind, args.size))
        except ApiError as error:
            if error.status != 404:
                raise
            problems.append(str(error) if kind else f"Error: No such object: {name}")
    text, unfit = inspecting.render(found, args.format)
    sys.stdout.write(text)
    sys.stdout.flush()
    problems += unfit
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


def _find(session: Session, name: str, kind: str, size: bool) -> tuple[str, Document]:
    """The object of that kind; without one, the first kind that has it."""
    kinds = [kind] if kind else list(TYPES)
    for position, each in enumerate(kinds, 1):
        try:
            return TYPES[each], session.run(objects.inspect(each, name, size=size))
        except ApiError as error:
            # an image's id may hold what is no name of a volume: 400 is "not here" as well
            is_elsewhere = error.status == 404 or (error.status == 400 and position > 1)
            if not is_elsewhere or position == len(kinds):
                raise
    raise AssertionError("the last kind returns or raises")
