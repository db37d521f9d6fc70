"""`lading image fsck`: is every image whole, to the last byte?"""

from __future__ import annotations

import sys

from lading.cli import format
from lading.cli.command import Command
from lading.cli.flags import BOOL, Flag
from lading.cli.format import Field
from lading.cli.list_flags import FORMAT_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "image fsck",
    "[OPTIONS]",
    "Check every blob and layer; fails when something is wrong and was not repaired",
    (FORMAT_FLAG, Flag("repair", "", BOOL, "Repair what can be: damaged blobs, lost layers")),
    most=0,
)

FIELDS = {
    "Kind": Field("KIND", lambda finding: str(finding["kind"])),
    "Name": Field("NAME", lambda finding: str(finding["name"])),
    "Detail": Field("DETAIL", lambda finding: str(finding["detail"])),
    "Repaired": Field("REPAIRED", lambda finding: "yes" if finding["repaired"] else ""),
}


class FsckArguments(Arguments):
    format: str
    repair: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, FsckArguments())
    findings = session.run(images.fsck(repair=args.repair))
    if findings or args.format:
        sys.stdout.write(format.rows(findings, FIELDS, args.format, tuple(FIELDS)))
    else:
        sys.stderr.write("lading: every image is whole\n")
    return 1 if any(not finding["repaired"] for finding in findings) else 0
