"""`lading restart`: stop and start."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.parser import parse
from lading.cli.stopping import FLAGS, StopArguments
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "restart",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Restart one or more containers",
    FLAGS,
    least=1,
    aliases=("container restart", "restart"),
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, StopArguments())

    def restart(name: str) -> None:
        session.run(containers.restart(name, signal=args.signal, timeout_s=args.timeout_s()))

    return for_each(args.words, restart)
