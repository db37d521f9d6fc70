"""`lading image usage`: what images take on the disk, and when they were last used."""

from __future__ import annotations

import sys
import time

from lading import names, quantities
from lading.cli import format
from lading.cli.command import Command
from lading.cli.format import Field
from lading.cli.list_flags import FORMAT_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "image usage",
    "[OPTIONS]",
    "Show what images take on the disk, those that were used least recently first",
    (FORMAT_FLAG,),
    most=0,
)


class UsageArguments(Arguments):
    format: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, UsageArguments())
    shown = fields(time.time())
    rows = session.run(images.usage())
    sys.stdout.write(format.rows(rows, shown, args.format, tuple(shown)))
    return 0


def fields(now: float) -> dict[str, Field]:
    """The columns; ages are counted from `now`, in seconds."""

    def size(key: str) -> Field:
        header = {"BlobSize": "COMPRESSED"}.get(key, key.removesuffix("Size").upper() or "SIZE")
        return Field(header, lambda row: quantities.format_bytes(row[key]))

    def last_used(row: Document) -> str:
        if not row["LastUsed"]:
            return "never"
        return f"{quantities.format_age(now - row['LastUsed'])} ago"

    return {
        "ID": Field("IMAGE ID", lambda row: names.short_id(row["Id"].removeprefix("sha256:"))),
        "LastUsed": Field("LAST USED", last_used),
        "Containers": Field("CONTAINERS", lambda row: str(row["Containers"])),
        "Size": size("Size"),
        "SharedSize": size("SharedSize"),
        "UniqueSize": size("UniqueSize"),
        "BlobSize": size("BlobSize"),
        "Names": Field("NAMES", lambda row: ", ".join(row["RepoTags"]) or "<none>"),
    }
