"""`lading kill`: a signal to a container's first process."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.flags import STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "kill",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Kill one or more running containers",
    (Flag("signal", "s", STRING, "Signal to send to the container (KILL when not given)"),),
    least=1,
    aliases=("container kill", "kill"),
)


class KillArguments(Arguments):
    signal: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, KillArguments())
    return for_each(args.words, lambda name: session.run(containers.kill(name, args.signal)))
