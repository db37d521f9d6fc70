"""`lading attach`: our terminal becomes that of a running container."""

from __future__ import annotations

from lading.cli import attached
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.cli.signals import SignalProxy
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "attach",
    "[OPTIONS] CONTAINER",
    "Attach local standard input, output, and error streams to a running container",
    (
        Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container"),
        Flag("no-stdin", "", BOOL, "Do not attach STDIN"),
        Flag("sig-proxy", "", BOOL, "Proxy all received signals to the process", default=True),
    ),
    least=1,
    most=1,
    aliases=("container attach", "attach"),
)


class AttachArguments(Arguments):
    detach_keys: str
    no_stdin: bool
    sig_proxy: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, AttachArguments())
    document = session.run(containers.inspect(args.words[0]))
    check_state(document["State"])
    if document["Config"]["Tty"] or not args.sig_proxy:
        return _talk(session, args, document)
    with SignalProxy(attached.killer(session, document["Id"])) as proxy:
        proxy.release()
        return _talk(session, args, document)


def check_state(state: Document) -> None:
    """Only what runs can be attached to."""
    if not state["Running"]:
        raise Failure("cannot attach to a stopped container, start it first")
    if state.get("Paused"):
        raise Failure("cannot attach to a paused container, unpause it first")
    if state.get("Restarting"):
        raise Failure("cannot attach to a restarting container, wait until it is running")


def _talk(session: Session, args: AttachArguments, document: Document) -> int:
    container, config = document["Id"], document["Config"]
    stdin = config["OpenStdin"] and not args.no_stdin
    attached.check_terminal(stdin=stdin, tty=config["Tty"])
    waiting = session.run(containers.wait(container))
    stream = session.run(
        containers.attach(
            container, stdin=stdin, stdout=True, stderr=True, detach_keys=args.detach_keys
        )
    )
    return attached.follow(
        session,
        container,
        stream,
        waiting,
        tty=config["Tty"],
        stdin=stdin,
        detach_keys=args.detach_keys,
    )
