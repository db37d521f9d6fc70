"""Output and input of a container as clients get them: what is refused, and what is opened."""

from collections.abc import Callable
from typing import NamedTuple

from lading.containers import logging
from lading.containers.attach import Attachment, open_stdin
from lading.containers.container import Container
from lading.containers.context import Context
from lading.containers.log_stream import LogStream
from lading.containers.record import NotRunning
from lading.errors import Conflict, InvalidArgument
from lading.logs import LogQuery
from lading.logs.options import NotReadable


class PausedAttach(Conflict):
    """container {0} is paused, unpause the container before attach"""


class RestartingAttach(Conflict):
    """container {0} is restarting, wait until the container is running"""


class NoStreams(InvalidArgument):
    """Bad parameters: you must choose at least one stream"""


class LogsAsked(NamedTuple):
    """What a client wants of a log; times are nanoseconds since 1970, `tail` None is all."""

    stdout: bool
    stderr: bool
    since_ns: int
    until_ns: int
    tail: int | None
    timestamps: bool
    details: bool
    follow: bool


class AttachAsked(NamedTuple):
    """What a client wants to be attached to: streams are 1 and 2."""

    streams: frozenset[int]
    replay: bool  # what was written before
    live: bool
    stdin: bool


class Streaming:
    """Opens logs and attachments; `note` journals an event that nobody waits for."""

    def __init__(self, context: Context, *, note: Callable[[Container, str], None]) -> None:
        self._context = context
        self._note = note

    def logs(self, container: Container, asked: LogsAsked) -> LogStream:
        """What it has written, perhaps what it will. Raises NoStreams, NotReadable."""
        if not (asked.stdout or asked.stderr):
            raise NoStreams
        plan = logging.plan_of(container.record)
        if not plan.is_readable:
            raise NotReadable
        query = LogQuery(
            asked.stdout,
            asked.stderr,
            asked.since_ns,
            max(asked.until_ns, 0),
            asked.tail,
            asked.timestamps,
            plan.details if asked.details else None,
        )
        directory = self._context.layout.log(container.id)
        return LogStream(container, directory, query, follow=asked.follow)

    async def attach(self, container: Container, ref: str, asked: AttachAsked) -> Attachment:
        """A client's hold on it. Raises PausedAttach, RestartingAttach."""
        status = container.record.state.status
        if status == "paused":
            raise PausedAttach(ref)
        if status == "restarting":
            raise RestartingAttach(ref)
        takes_input = asked.stdin and asked.live and container.record.config.open_stdin
        self._note(container, "attach")
        attachment = Attachment(
            container,
            self._context.layout.log(container.id),
            streams=asked.streams,
            replay=asked.replay,
            live=asked.live,
            stdin=open_stdin(container) if takes_input else None,
            on_detach=lambda: self._note(container, "detach"),
        )
        await attachment.open()
        return attachment

    async def resize(self, container: Container, *, height: int, width: int) -> None:
        """Set the size of its terminal. Raises NotRunning."""
        run = container.run
        if run is None or run.has_ended or run.monitor is None:
            raise NotRunning(container.id)
        await run.monitor.call("resize", height=height, width=width)
        details = {"height": str(height), "width": str(width)}
        await self._context.publish(container, ("resize", details))
