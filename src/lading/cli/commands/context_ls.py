"""`lading context ls`: which engines have a name."""

from __future__ import annotations

import sys

from lading.cli import endpoint, format
from lading.cli.command import Command
from lading.cli.contexts import DEFAULT, Store
from lading.cli.flags import BOOL, Flag
from lading.cli.format import Field
from lading.cli.list_flags import FORMAT_FLAG
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "context ls",
    "[OPTIONS]",
    "List contexts",
    (FORMAT_FLAG, Flag("quiet", "q", BOOL, "Only show context names")),
    most=0,
)

COLUMNS = ("Name", "Description", "DockerEndpoint", "Error")


class ListArguments(Arguments):
    format: str
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ListArguments())
    found = rows(session)
    if args.quiet:
        sys.stdout.write("".join(f"{row['name']}\n" for row in found))
        return 0
    is_table = not args.format or args.format.startswith("table")
    go_type = "*formatter.clientContextContext"
    sys.stdout.write(
        format.rows(found, fields(marks=is_table), args.format, COLUMNS, go_type=go_type)
    )
    return 0


def fields(*, marks: bool) -> dict[str, Field]:
    def name(row: dict[str, str]) -> str:
        return row["name"] + (" *" if marks and row["current"] else "")

    return {
        "Current": Field("", lambda row: bool(row["current"])),
        "Description": Field("DESCRIPTION", lambda row: str(row["description"])),
        "DockerEndpoint": Field("DOCKER ENDPOINT", lambda row: str(row["host"])),
        "Error": Field("ERROR", lambda row: str(row["error"])),
        "Name": Field("NAME", name),
    }


def rows(session: Session) -> list[dict[str, object]]:
    """The default among the others, by name; one that is chosen and missing has its error."""
    current = current_name(session)
    environ = session.environ
    host = (
        environ.get("LADING_HOST") or environ.get("DOCKER_HOST") or endpoint.default_host(environ)
    )
    facts = {DEFAULT: ("Current LADING_HOST or DOCKER_HOST based configuration", host, "")}
    for context in Store(environ).all():
        facts[context.name] = (context.description, context.host, "")
    if current not in facts:
        facts[current] = ("", "", f'context "{current}": context not found')
    return [
        {
            "name": name,
            "current": name == current,
            "description": facts[name][0],
            "host": facts[name][1],
            "error": facts[name][2],
        }
        for name in sorted(facts)
    ]


def current_name(session: Session) -> str:
    """The name of the context that commands use now."""
    flags, environ = session.flags, session.environ
    if flags and flags.context:
        return flags.context
    if (flags and flags.host) or environ.get("LADING_HOST") or environ.get("DOCKER_HOST"):
        return DEFAULT
    return endpoint.context_name(environ) or DEFAULT
