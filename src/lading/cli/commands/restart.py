"""`lading restart`: stop and start."""

from __future__ import annotations

from lading.cli import stopping
from lading.cli.command import Command
from lading.cli.parser import parse
from lading.cli.stopping import StopArguments
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "restart",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Restart one or more containers",
    stopping.FLAGS,
    least=1,
    aliases=("container restart", "restart"),
)


def run(session: Session, words: Sequence[str]) -> int:
    return stopping.each(session, parse(words, COMMAND, StopArguments()), containers.restart)
