"""`lading manifest rm`: forget lists that were being put together."""

from __future__ import annotations

import sys

from lading.cli import references
from lading.cli.command import Command
from lading.cli.manifest_lists import Lists
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "manifest rm",
    "MANIFEST_LIST [MANIFEST_LIST...]",
    "Delete one or more manifest lists from local storage",
    least=1,
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())
    lists, is_missing = Lists(session), False
    for name in args.words:
        try:
            lists.remove(name)
        except FileNotFoundError:
            is_missing = True
            sys.stderr.write(f"No such manifest: {references.familiar(name)}\n")
    return 1 if is_missing else 0
