"""`lading events`: what happens, as it happens."""

from __future__ import annotations

import sys
import time

from lading.cli import format, timestamps
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import STRING, Flag
from lading.cli.list_flags import FILTER_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import json_stream, json_text, system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "events",
    "[OPTIONS]",
    "Get real time events from the server",
    (
        FILTER_FLAG,
        Flag("format", "", STRING, "Format output: 'json', or a template such as '{{.Action}}'"),
        Flag("since", "", STRING, "Show all events created since timestamp"),
        Flag("until", "", STRING, "Stream events until this timestamp"),
    ),
    most=0,
    aliases=("system events", "events"),
)


class EventsArguments(Arguments):
    filter: dict[str, list[str]]
    format: str
    since: str
    until: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, EventsArguments())
    write = writer(args.format)
    now_ns = time.time_ns()
    stream = session.run(
        system.events(
            since=timestamps.for_query(args.since, now_ns),
            until=timestamps.for_query(args.until, now_ns),
            filters=args.filter,
        )
    )
    for document in json_stream.documents(stream.chunks()):
        sys.stdout.write(write(document) + "\n")
        sys.stdout.flush()
    return 0


def writer(wanted: str) -> Callable[[Document], str]:
    """What makes a line of an event."""
    if not wanted:
        return line
    if wanted == "json":
        return lambda document: json_text.dumps(document, ascii=False)
    return _by_template(wanted)


def _by_template(wanted: str) -> Callable[[Document], str]:
    """Wrong templates are found before the first event, by filling one in with nothing."""
    from lading.cli import gotemplate
    from lading.cli.shapes import Shaped

    try:
        template = gotemplate.parse(format.unescaped(wanted))
        template.render(Shaped("*events.Message", {}))
    except gotemplate.TemplateError as error:
        raise Failure(f"Error parsing format: {error}", format.BAD_TEMPLATE) from None
    return lambda document: format.fill(template, Shaped("*events.Message", document))


def line(event: Document) -> str:
    """`2026-03-01T12:00:00.000000001+01:00 container die 4b0c (exitCode=0, image=base)`."""
    moment = timestamps.local_rfc3339(event.get("timeNano") or event["time"] * 1_000_000_000)
    actor = event.get("Actor") or {}
    words = [moment, event.get("Type") or "", event.get("Action") or "", actor.get("ID") or ""]
    attributes = actor.get("Attributes") or {}
    pairs = ", ".join(f"{key}={attributes[key]}" for key in sorted(attributes))
    return " ".join(words) + (f" ({pairs})" if pairs else "")
