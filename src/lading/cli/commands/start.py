"""`lading start`: stopped containers run again; `-a` and `-i` attach to one of them."""

from __future__ import annotations

import sys

from lading.cli import joining
from lading.cli.command import Command
from lading.cli.each import for_each
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "start",
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Start one or more stopped containers",
    (
        Flag("attach", "a", BOOL, "Attach STDOUT/STDERR and forward signals"),
        Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container"),
        Flag("interactive", "i", BOOL, "Attach container's STDIN"),
    ),
    least=1,
    aliases=("container start", "start"),
)


class StartArguments(Arguments):
    attach: bool
    detach_keys: str
    interactive: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, StartArguments())
    if args.attach or args.interactive:
        if len(args.words) > 1:
            raise Failure("you cannot start and attach multiple containers at once")
        return _attached(session, args, args.words[0])
    code = for_each(args.words, lambda name: session.run(containers.start(name)))
    if code:
        sys.stderr.write(f"Error: failed to start containers: {', '.join(args.words)}\n")
    return code


def _attached(session: Session, args: StartArguments, name: str) -> int:
    document = session.run(containers.inspect(name))
    container, keys = document["Id"], args.detach_keys
    with joining.proxy_for(session, document) as proxy:
        joined = joining.Joined(session, document, stdin=args.interactive, detach_keys=keys)
        condition = "removed" if document["HostConfig"]["AutoRemove"] else "next-exit"
        waiting = session.run(containers.wait(container, condition))
        session.run(containers.start(container, detach_keys=keys))
        proxy.release()
        return joined.follow(waiting)
