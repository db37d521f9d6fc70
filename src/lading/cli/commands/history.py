"""`lading history`: the steps that made an image."""

from __future__ import annotations

import sys
import time

from lading import names, quantities
from lading.cli import format, human, timestamps
from lading.cli.command import Command
from lading.cli.flags import BOOL, Flag
from lading.cli.format import Field
from lading.cli.list_flags import FORMAT_FLAG, NO_TRUNC_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "history",
    "[OPTIONS] IMAGE",
    "Show the history of an image",
    (
        FORMAT_FLAG,
        Flag("human", "H", BOOL, "Print sizes and dates in human readable format", default=True),
        NO_TRUNC_FLAG,
        Flag("quiet", "q", BOOL, "Only show image IDs"),
    ),
    least=1,
    most=1,
    aliases=("image history", "history"),
)

COLUMNS = ("ID", "CreatedSince", "CreatedBy", "Size", "Comment")


class HistoryArguments(Arguments):
    format: str
    human: bool
    no_trunc: bool
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, HistoryArguments())
    layers = session.run(images.history(args.words[0]))
    shown = fields(time.time(), args)
    if args.quiet and not args.format:
        sys.stdout.write("".join(f"{shown['ID'].value(layer)}\n" for layer in layers))
    else:
        sys.stdout.write(format.rows(layers, shown, args.format, COLUMNS))
    return 0


def moment(layer: dict[str, int]) -> str:
    return timestamps.local_rfc3339(layer["Created"] * 1_000_000_000, is_whole=True)


def fields(now: float, args: HistoryArguments) -> dict[str, Field]:
    """Every column of a step."""
    short = not args.no_trunc

    def created(layer: dict[str, int]) -> str:
        if args.human:
            return (
                quantities.format_age(now - layer["Created"]) + " ago"
                if layer["Created"]
                else "N/A"
            )
        return moment(layer)

    def created_by(text: str) -> str:
        line = text.replace("\t", " ")
        return human.ellipsis(line, 45) if short else line

    return {
        "Comment": Field("COMMENT", lambda layer: str(layer.get("Comment") or "")),
        "CreatedAt": Field("CREATED AT", moment),
        "CreatedBy": Field("CREATED BY", lambda layer: created_by(layer.get("CreatedBy") or "")),
        "CreatedSince": Field("CREATED", created),
        "ID": Field("IMAGE", lambda layer: names.short_id(layer["Id"]) if short else layer["Id"]),
        "Size": Field(
            "SIZE",
            lambda layer: (
                quantities.format_bytes_3(layer["Size"]) if args.human else str(layer["Size"])
            ),
        ),
    }
