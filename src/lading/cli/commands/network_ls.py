"""`lading network ls`: which networks there are."""

from __future__ import annotations

import sys

from lading import names
from lading.cli import format
from lading.cli.command import Command
from lading.cli.flags import BOOL, Flag
from lading.cli.format import Field, label_of
from lading.cli.list_flags import FILTER_FLAG, FORMAT_FLAG, NO_TRUNC_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import networks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "network ls",
    "[OPTIONS]",
    "List networks",
    (
        FILTER_FLAG,
        FORMAT_FLAG,
        NO_TRUNC_FLAG,
        Flag("quiet", "q", BOOL, "Only display network IDs"),
    ),
    most=0,
    aliases=("network ls", "network list"),
)
COLUMNS = ("ID", "Name", "Driver", "Scope")


class LsArguments(Arguments):
    filter: dict[str, list[str]]
    format: str
    no_trunc: bool
    quiet: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, LsArguments())
    found = sorted(session.run(networks.list_(args.filter)), key=lambda one: str(one["Name"]))
    columns = fields(truncated=not args.no_trunc)
    if args.quiet and not args.format:
        sys.stdout.write("".join(f"{columns['ID'].value(one)}\n" for one in found))
        return 0
    go_type = "*network.networkContext"
    sys.stdout.write(format.rows(found, columns, args.format, COLUMNS, go_type=go_type))
    return 0


def fields(*, truncated: bool) -> dict[str, Field]:
    """Every column of a network's row."""

    def identity(one: Document) -> str:
        return names.short_id(one["Id"]) if truncated else str(one["Id"])

    def labels(one: Document) -> str:
        return ",".join(f"{key}={value}" for key, value in sorted((one["Labels"] or {}).items()))

    return {
        "CreatedAt": Field("CREATED AT", lambda one: _go_time(str(one["Created"]))),
        "Driver": Field("DRIVER", lambda one: str(one["Driver"])),
        "ID": Field("NETWORK ID", identity),
        "IPv4": Field("IPV4", lambda one: str(bool(one.get("EnableIPv4"))).lower()),
        "IPv6": Field("IPV6", lambda one: str(bool(one.get("EnableIPv6"))).lower()),
        "Internal": Field("INTERNAL", lambda one: str(bool(one["Internal"])).lower()),
        "Label": Field("", lambda one, name: label_of(one["Labels"] or {}, name), takes=1),
        "Labels": Field("LABELS", labels),
        "Name": Field("NAME", lambda one: str(one["Name"])),
        "Scope": Field("SCOPE", lambda one: str(one["Scope"])),
    }


def _go_time(text: str) -> str:
    """`2024-05-06T07:08:09.1Z` as Go prints it: `2024-05-06 07:08:09.1 +0000 UTC`."""
    day, _, clock = text.partition("T")
    whole, dot, fraction = clock.removesuffix("Z").partition(".")
    fraction = fraction.rstrip("0")
    return f"{day} {whole}{dot if fraction else ''}{fraction} +0000 UTC"
