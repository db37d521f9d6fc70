"""`lading run`: create, attach, wait, start, in this order, so that nothing is missed."""

from __future__ import annotations

import sys

from lading.cli import attached, creating
from lading.cli.command import Command
from lading.cli.container_flags import FLAGS, CreateArguments
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import parse
from lading.cli.signals import SignalProxy
from lading.errors import LadingError
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.client import RawStream

COMMAND = Command(
    "run",
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create and run a new container from an image",
    (
        *FLAGS,
        Flag("detach", "d", BOOL, "Run container in background and print container ID"),
        Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container"),
        Flag("sig-proxy", "", BOOL, "Proxy received signals to the process", default=True),
    ),
    least=1,
    interspersed=False,
    aliases=("container run", "run"),
)


class RunArguments(CreateArguments):
    detach: bool
    detach_keys: str
    sig_proxy: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, RunArguments())
    if args.detach and args.attach:
        raise Failure("conflicting options: cannot specify both --attach and --detach")
    streams = () if args.detach else chosen_streams(args)
    attached.check_terminal(stdin="stdin" in streams, tty=args.tty)
    try:
        container = creating.create(session, args)
        if streams:
            return _attached(session, args, container, streams)
        session.run(containers.start(container))
    except creating.CREATING_ERRORS as error:
        raise creating.failure(error, "run") from error
    sys.stdout.write(container + "\n")
    return 0


def chosen_streams(args: RunArguments) -> Sequence[str]:
    """Those that `-a` names, or all that make sense."""
    return args.attach or (["stdin"] if args.interactive else []) + ["stdout", "stderr"]


def _attached(session: Session, args: RunArguments, container: str, streams: Sequence[str]) -> int:
    proxy = SignalProxy(attached.killer(session, container))
    if not args.sig_proxy:
        return _start_and_talk(session, args, container, streams, None)
    with proxy:
        return _start_and_talk(session, args, container, streams, proxy)


def _start_and_talk(
    session: Session,
    args: RunArguments,
    container: str,
    streams: Sequence[str],
    proxy: SignalProxy | None,
) -> int:
    stream = session.run(
        containers.attach(
            container,
            stdin="stdin" in streams and args.interactive,
            stdout="stdout" in streams,
            stderr="stderr" in streams,
            detach_keys=args.detach_keys,
        )
    )
    waiting = session.run(containers.wait(container, "removed" if args.rm else "next-exit"))
    _start(session, args, container, stream, waiting)
    if proxy:
        proxy.release()
    return attached.follow(
        session,
        container,
        stream,
        waiting,
        tty=args.tty,
        stdin="stdin" in streams and args.interactive,
        output="stdout" in streams or "stderr" in streams,
        detach_keys=args.detach_keys,
    )


def _start(
    session: Session,
    args: RunArguments,
    container: str,
    stream: RawStream,
    waiting: RawStream,
) -> None:
    try:
        session.run(containers.start(container))
    except LadingError:
        stream.close()
        if args.rm:
            attached.exit_code(waiting)  # returns when the engine has removed it
        raise
