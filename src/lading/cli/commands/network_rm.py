"""`lading network rm`: networks go."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import networks
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "network rm",
    "NETWORK [NETWORK...]",
    "Remove one or more networks",
    (Flag("force", "f", BOOL, "Do not error if the network does not exist"),),
    least=1,
    aliases=("network rm", "network remove"),
)


class RmArguments(Arguments):
    force: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, RmArguments())

    def remove(name: str) -> str | None:
        try:
            session.run(networks.remove(name))
        except ApiError as error:
            if not (args.force and error.status == 404):
                raise
            return ""
        return None

    return for_each(args.words, remove)
