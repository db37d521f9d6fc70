"""`lading volume rm`: volumes go, with what is in them."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume rm",
    "[OPTIONS] VOLUME [VOLUME...]",
    "Remove one or more volumes; a container that has one must be removed first",
    (Flag("force", "f", BOOL, "Force the removal of one or more volumes"),),
    least=1,
    aliases=("volume rm", "volume remove"),
)


class RmArguments(Arguments):
    force: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, RmArguments())

    def remove(name: str) -> None:
        session.run(volumes.remove(name, force=args.force))

    return for_each(args.words, remove)
