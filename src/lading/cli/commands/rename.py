"""`lading rename`: another name for a container."""

from __future__ import annotations

from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.parser import Arguments, parse
from lading.sdk import containers
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "rename",
    "CONTAINER NEW_NAME",
    "Rename a container",
    least=2,
    most=2,
    aliases=("container rename", "rename"),
)


def run(session: Session, words: Sequence[str]) -> int:
    name, new_name = parse(words, COMMAND, Arguments()).words
    try:
        session.run(containers.rename(name, new_name))
    except ApiError as error:
        raise Failure(f"{error}\nError: failed to rename container named {name}") from error
    return 0
