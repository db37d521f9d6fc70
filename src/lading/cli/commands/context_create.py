"""`lading context create`: a name for an engine."""

from __future__ import annotations

import sys

from lading.cli import context_options
from lading.cli.command import Command
from lading.cli.context_options import FLAGS, ContextArguments
from lading.cli.contexts import Store, check_name
from lading.cli.failures import Failure
from lading.cli.parser import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "context create",
    "[OPTIONS] CONTEXT",
    "Create a context",
    FLAGS,
    least=1,
    most=1,
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, ContextArguments())
    name = args.words[0]
    check_name(name)
    store = Store(session.environ)
    if store.find(name):
        raise Failure(f'context "{name}" already exists')
    document, tls = context_options.describe(args, name, session)
    store.save(document, tls)
    sys.stdout.write(name + "\n")
    sys.stdout.flush()
    sys.stderr.write(f'Successfully created context "{name}"\n')
    return 0
