"""`lading diff`: what a container changed in its files."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.parser import Arguments, parse
from lading.sdk import container_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "diff",
    "CONTAINER",
    "Inspect changes to files or directories on a container's filesystem",
    least=1,
    most=1,
    aliases=("container diff", "diff"),
)

_KINDS = "CAD"  # modified, added, deleted


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())
    for change in session.run(container_files.changes(args.words[0])):
        sys.stdout.write(f"{_KINDS[change['Kind']]} {change['Path']}\n")
    return 0
