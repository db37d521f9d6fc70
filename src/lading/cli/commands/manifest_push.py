"""`lading manifest push`: a list that was put together goes to its registry."""

from __future__ import annotations

import sys

from lading.cli import docker_config, progress, references
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, Flag
from lading.cli.manifest_lists import Lists
from lading.cli.parser import Arguments, parse
from lading.sdk import images

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "manifest push",
    "[OPTIONS] MANIFEST_LIST",
    "Push a manifest list to a repository",
    (
        Flag("insecure", "", BOOL, "Allow push to an insecure registry"),
        Flag("purge", "p", BOOL, "Remove the local manifest list after push"),
    ),
    least=1,
    most=1,
)


class PushArguments(Arguments):
    insecure: bool
    purge: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, PushArguments())
    lists, name = Lists(session), args.words[0]
    entries = lists.entries(name)
    if not entries:
        raise Failure(f"No such manifest: {references.familiar(name)}")
    auth = docker_config.header_for(name, session.environ)
    short = [{"Ref": entry["Ref"], "Descriptor": entry["Descriptor"]} for entry in entries]
    stream = session.run(images.push_list(name, short, insecure=args.insecure, auth=auth))
    for document in progress.documents(stream):
        if "aux" in document:
            sys.stdout.write(f"{document['aux']['Digest']}\n")
        elif "status" in document:
            sys.stdout.write(f"{document['status']}\n")
        sys.stdout.flush()
    if args.purge:
        lists.remove(name)
    return 0
