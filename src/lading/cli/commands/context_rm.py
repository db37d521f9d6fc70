"""`lading context rm`: names go; the engines stay."""

from __future__ import annotations

from lading.cli import config
from lading.cli.command import Command
from lading.cli.contexts import DEFAULT, Store
from lading.cli.each import for_each
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, Flag
from lading.cli.parser import Arguments, parse
from lading.errors import LadingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "context rm",
    "CONTEXT [CONTEXT...]",
    "Remove one or more contexts",
    (Flag("force", "f", BOOL, "Force the removal of a context in use"),),
    least=1,
)


class RmArguments(Arguments):
    force: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, RmArguments())
    store = Store(session.environ)

    def remove(name: str) -> None:
        if name == DEFAULT:
            raise Refused('context "default" cannot be removed')
        found = store.find(name)
        if found is None:
            if args.force:
                return
            raise Refused(f'context "{name}" does not exist')
        is_used = config.current_context(session.environ) == name
        if is_used and not args.force:
            raise Refused(f'context "{name}" is in use, set -f flag to force remove')
        try:
            store.remove(found)
        except Failure as failure:
            raise Refused(failure.message) from failure
        if is_used:
            config.choose_context(session.environ, "")

    return for_each(args.words, remove)


class Refused(LadingError):
    """{0}"""
