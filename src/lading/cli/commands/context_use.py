"""`lading context use`: the context for all commands to come."""

from __future__ import annotations

import sys

from lading.cli import config
from lading.cli.command import Command
from lading.cli.contexts import DEFAULT, Store
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command("context use", "CONTEXT", "Set the current context", least=1, most=1)


def run(session: Session, words: Sequence[str]) -> int:
    name = parse(words, COMMAND, Arguments()).words[0]
    if name != DEFAULT:
        Store(session.environ).get(name)
    config.choose_context(session.environ, "" if name == DEFAULT else name)
    sys.stdout.write(name + "\n")
    sys.stdout.flush()
    sys.stderr.write(f'Current context is now "{name}"\n')
    for variable in ("LADING_HOST", "DOCKER_HOST"):
        if name != DEFAULT and session.environ.get(variable):
            sys.stderr.write(
                f"Warning: {variable} environment variable overrides the active context. "
                f'To use "{name}", either set the global --context flag, or unset {variable} '
                "environment variable.\n"
            )
    return 0
