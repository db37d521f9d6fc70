"""`lading volume rename`: another name for a volume that no container has."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.parser import Arguments, parse
from lading.sdk import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "volume rename", "VOLUME NEW_NAME", "Rename a volume that no container has", (), least=2, most=2
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, Arguments())
    session.run(volumes.rename(*args.words))
    return 0
