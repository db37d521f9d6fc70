"""`lading attach`: our terminal becomes that of a running container."""

from __future__ import annotations

from lading.cli import joining
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
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
    with joining.proxy_for(session, document, is_wanted=args.sig_proxy) as proxy:
        proxy.release()
        # the wait first: a container that ends at once is heard of, too
        waiting = session.run(containers.wait(document["Id"]))
        stdin = not args.no_stdin
        joined = joining.Joined(session, document, stdin=stdin, detach_keys=args.detach_keys)
        return joined.follow(waiting)


def check_state(state: Document) -> None:
    """Only what runs can be attached to."""
    if not state["Running"]:
        raise Failure("cannot attach to a stopped container, start it first")
    if state.get("Paused"):
        raise Failure("cannot attach to a paused container, unpause it first")
    if state.get("Restarting"):
        raise Failure("cannot attach to a restarting container, wait until it is running")
