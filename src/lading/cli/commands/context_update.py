"""`lading context update`: another description, another way to the engine."""

from __future__ import annotations

import sys

from lading.cli import context_options
from lading.cli.command import Command
from lading.cli.context_options import FLAGS, ContextArguments
from lading.cli.contexts import Store
from lading.cli.parser import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "context update",
    "[OPTIONS] CONTEXT",
    "Update a context",
    FLAGS,
    least=1,
    most=1,
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ContextArguments())
    name = args.words[0]
    store = Store(session.environ)
    known = store.get(name)
    document, tls = context_options.describe(args, name, session, known)
    store.save(document, tls)
    sys.stdout.write(name + "\n")
    sys.stdout.flush()
    sys.stderr.write(f'Successfully updated context "{name}"\n')
    return 0
