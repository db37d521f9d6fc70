"""`lading restart`: stop and start."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.flags import INT, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "restart",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Restart one or more containers",
    (
        Flag("signal", "s", STRING, "Signal to send to the container"),
        Flag("timeout", "t", INT, "Seconds to wait before killing the container", also=("time",)),
    ),
    least=1,
    aliases=("container restart", "restart"),
)


class RestartArguments(Arguments):
    signal: str
    timeout: int


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, RestartArguments())
    timeout_s = args.timeout if "timeout" in args.given else None

    def restart(name: str) -> None:
        session.run(containers.restart(name, signal=args.signal, timeout_s=timeout_s))

    return for_each(args.words, restart)
