"""`lading system check`: is everything on this host accounted for?"""

from __future__ import annotations

import sys

from lading.cli import format
from lading.cli.command import Command
from lading.cli.format import Field
from lading.cli.list_flags import FORMAT_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "system check",
    "[OPTIONS]",
    "Compare what the kernel has with what the engine knows; fails when they differ",
    (FORMAT_FLAG,),
    most=0,
)

FIELDS = {
    "Kind": Field("KIND", lambda finding: str(finding["kind"])),
    "Name": Field("NAME", lambda finding: str(finding["name"])),
    "Detail": Field("DETAIL", lambda finding: str(finding["detail"])),
}


class CheckArguments(Arguments):
    format: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CheckArguments())
    findings = session.run(system.check())
    if findings or args.format:
        sys.stdout.write(format.rows(findings, FIELDS, args.format, tuple(FIELDS)))
    else:
        sys.stderr.write("lading: everything is accounted for\n")
    return 1 if findings else 0
