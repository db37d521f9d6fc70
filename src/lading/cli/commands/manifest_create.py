"""`lading manifest create`: begin a manifest list, or add to one."""

from __future__ import annotations

import sys

from lading.cli import references
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, Flag
from lading.cli.manifest_lists import INDEXES, Lists
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "manifest create",
    "MANIFEST_LIST MANIFEST [MANIFEST...]",
    "Create a local manifest list for annotating and pushing to a registry",
    (
        Flag("amend", "a", BOOL, "Amend an existing manifest list"),
        Flag("insecure", "", BOOL, "Allow communication with an insecure registry"),
    ),
    least=2,
)


class CreateArguments(Arguments):
    amend: bool
    insecure: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, CreateArguments())
    lists, name = Lists(session), args.words[0]
    if lists.entries(name) and not args.amend:
        raise Failure("refusing to amend an existing manifest list with no --amend flag")
    found = []
    for manifest in args.words[1:]:
        document = lists.entry(name, manifest) or lists.fetch(manifest, insecure=args.insecure)
        if document["Descriptor"]["mediaType"] in INDEXES:
            raise Failure(f"{references.familiar(manifest)} is a manifest list")
        found.append(document)
    for document in found:
        lists.save(name, document)
    sys.stdout.write(f"Created manifest list {references.complete(name)}\n")
    return 0
