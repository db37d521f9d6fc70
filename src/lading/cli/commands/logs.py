"""`lading logs`: what a container has written, and what it goes on writing."""

from __future__ import annotations

import time

from lading.cli import conversation, timestamps
from lading.cli.command import Command
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import containers, frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.client import RawStream

_WHEN = '(e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)'

COMMAND = Command(
    "logs",
    "[OPTIONS] CONTAINER",
    "Fetch the logs of a container",
    (
        Flag("details", "", BOOL, "Show extra details provided to logs"),
        Flag("follow", "f", BOOL, "Follow log output"),
        Flag("since", "", STRING, f"Show logs since timestamp {_WHEN}"),
        Flag(
            "tail",
            "n",
            STRING,
            "Number of lines to show from the end of the logs",
            default="all",
        ),
        Flag("timestamps", "t", BOOL, "Show timestamps"),
        Flag("until", "", STRING, f"Show logs before a timestamp {_WHEN}"),
    ),
    least=1,
    most=1,
    aliases=("container logs", "logs"),
)


class LogsArguments(Arguments):
    details: bool
    follow: bool
    since: str
    tail: str
    timestamps: bool
    until: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, LogsArguments())
    now_ns = time.time_ns()
    stream, multiplexed = session.run(
        containers.logs(
            args.words[0],
            follow=args.follow,
            since=timestamps.for_query(args.since, now_ns, flag="since"),
            until=timestamps.for_query(args.until, now_ns, flag="until"),
            tail=args.tail,
            timestamps=args.timestamps,
            details=args.details,
        )
    )
    copy(stream, multiplexed=multiplexed)
    return 0


def copy(stream: RawStream, *, multiplexed: bool) -> None:
    """Each stream of the log to the descriptor of the same name."""
    if not multiplexed:
        for chunk in stream.chunks():
            conversation.write(conversation.STDOUT, chunk)
        return
    demultiplexer = frames.Demultiplexer()
    for chunk in stream.chunks():
        for source, payload in demultiplexer.feed(chunk):
            conversation.write(2 if source == frames.STDERR else 1, payload)
