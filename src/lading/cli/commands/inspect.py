"""`lading inspect`: everything the engine knows about containers and images, as JSON."""

from __future__ import annotations

import sys

from lading.cli import format
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import containers, images
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "inspect",
    "[OPTIONS] NAME|ID [NAME|ID...]",
    "Return low-level information on containers and images",
    (
        Flag(
            "format",
            "f",
            STRING,
            "Format output: 'json' (an array), or a template such as '{{.State.Status}}'",
        ),
        Flag("size", "s", BOOL, "Display total file sizes if the type is container"),
        Flag("type", "", STRING, "Only inspect objects of the given type (container|image)"),
    ),
    least=1,
    aliases=("container inspect", "image inspect", "inspect"),
)

TYPES = ("container", "image")


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
    sys.stdout.write(render(found, args.format))
    sys.stdout.flush()
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


def _find(session: Session, name: str, kind: str, size: bool) -> Document:
    """The container of that name, else the image."""
    if kind != "image":
        try:
            return session.run(containers.inspect(name, size=size))
        except ApiError as error:
            if error.status != 404 or kind:
                raise
    return session.run(images.inspect(name))


def render(found: Sequence[Document], wanted: str) -> str:
    """A JSON array, or a line a document when a template says what of it."""
    if wanted in ("", "json"):
        import json

        indent = 4 if not wanted else None
        separators = None if not wanted else (",", ":")
        text = json.dumps(found, indent=indent, separators=separators, ensure_ascii=False)
        return text + "\n"
    template = format.parse(wanted)
    return "".join(template.render(_looker(document)) + "\n" for document in found)


def _looker(document: Document) -> Callable[[tuple[str, ...]], object]:
    def look_up(path: tuple[str, ...]) -> object:
        value: object = document
        for name in path:
            if not isinstance(value, dict) or name not in value:
                raise Failure(
                    f'template parsing error: executing "" at <.{".".join(path)}>: '
                    f'map has no entry for key "{name}"'
                )
            value = value[name]
        return value

    return look_up
