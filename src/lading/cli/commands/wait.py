"""`lading wait`: until containers end, and how they did."""

from __future__ import annotations

from lading.cli import attached
from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "wait",
    "CONTAINER [CONTAINER...]",
    "Block until one or more containers stop, then print their exit codes",
    least=1,
    aliases=("container wait", "wait"),
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())

    def wait(name: str) -> str:
        return str(attached.exit_code(session.run(containers.wait(name))))

    return for_each(args.words, wait)
