"""`lading search`: repositories that an index knows of."""

from __future__ import annotations

import sys

from lading.cli import format, human
from lading.cli.command import Command
from lading.cli.flags import INT, Flag
from lading.cli.format import Field
from lading.cli.list_flags import FILTER_FLAG, FORMAT_FLAG, NO_TRUNC_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "search",
    "[OPTIONS] TERM",
    "Search Docker Hub for images",
    (FILTER_FLAG, FORMAT_FLAG, Flag("limit", "", INT, "Max number of results"), NO_TRUNC_FLAG),
    least=1,
    most=1,
)

COLUMNS = ("Name", "Description", "StarCount", "IsOfficial")
WIDTH = 45  # of a description


class SearchArguments(Arguments):
    filter: dict[str, list[str]]
    format: str
    limit: int
    no_trunc: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, SearchArguments())
    hits = session.run(images.search(args.words[0], limit=args.limit, filters=args.filter))
    hits.sort(key=lambda hit: -hit["star_count"])
    sys.stdout.write(format.rows(hits, fields(args), args.format, COLUMNS))
    return 0


def fields(args: SearchArguments) -> dict[str, Field]:
    """Every column of a repository."""

    def description(text: str) -> str:
        line = " ".join(text.split())
        return line if args.no_trunc else human.ellipsis(line, WIDTH)

    return {
        "Description": Field("DESCRIPTION", lambda hit: description(hit["description"])),
        "IsAutomated": Field("AUTOMATED", lambda hit: "[OK]" if hit["is_automated"] else ""),
        "IsOfficial": Field("OFFICIAL", lambda hit: "[OK]" if hit["is_official"] else ""),
        "Name": Field("NAME", lambda hit: str(hit["name"])),
        "StarCount": Field("STARS", lambda hit: str(hit["star_count"])),
    }
