"""`lading context show`: the name of the context that is used."""

from __future__ import annotations

import sys

from lading.cli.command import Command
from lading.cli.commands.context_ls import current_name
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command("context show", "", "Print the name of the current context", most=0)


def run(session: Session, words: Sequence[str]) -> int:
    parse(words, COMMAND, Arguments())
    sys.stdout.write(current_name(session) + "\n")
    return 0
