"""The tag Container: what a container has written, and holding on to its output and input."""

from collections.abc import AsyncIterator

from lading.api import hijack
from lading.api.backend import LogStream
from lading.api.call import JSON, Call
from lading.api.detach import parse_keys
from lading.api.framing import SYSTEM_ERROR, frame, frame_lines, pieces
from lading.api.router import Route
from lading.errors import InvalidArgument, LadingError
from lading.http import Response, StreamResponse


class StreamOfOne(InvalidArgument):
    """cannot have stream=true and one-shot=true"""


class NoStream(InvalidArgument):
    """Bad parameters: you must choose at least one stream"""


async def logs(call: Call) -> Response:
    """What it has written; followed if asked. The head goes out before the first line."""
    query = call.query
    if not query.flag("stdout") and not query.flag("stderr"):
        raise NoStream
    tail = query.text("tail")
    stream = call.backend.containers.logs(
        call.name,
        follow=query.flag("follow"),
        stdout=query.flag("stdout"),
        stderr=query.flag("stderr"),
        since_ns=query.time_ns("since"),
        until_ns=query.time_ns("until"),
        timestamps=query.flag("timestamps"),
        tail=int(tail) if tail.isascii() and tail.isdigit() else None,  # `all`, or no number
        details=query.flag("details"),
    )
    return StreamResponse(
        _log_bytes(stream), headers=hijack.stream_headers(call, is_terminal=stream.tty)
    )


async def _log_bytes(stream: LogStream) -> AsyncIterator[bytes]:
    try:
        async for texts in stream:
            for piece in pieces(
                text if stream.tty else frame_lines(number, text) for number, text in texts
            ):
                yield piece
    except LadingError as error:
        text = f"Error grabbing logs: {error}\n".encode()
        yield text if stream.tty else frame(SYSTEM_ERROR, text)


async def attach(call: Call) -> Response:
    """Take over the connection for its input and output."""
    query = call.query
    detach_keys = query.text("detachKeys") or None
    keys = parse_keys(detach_keys)
    attachment = await call.backend.containers.attach(
        call.name,
        logs=query.flag("logs"),
        stream=query.flag("stream"),
        stdin=query.flag("stdin"),
        stdout=query.flag("stdout"),
        stderr=query.flag("stderr"),
        detach_keys=detach_keys,
    )
    return hijack.take_over(call, attachment, has_stdin=query.flag("stdin"), keys=keys)


async def stats(call: Call) -> Response:
    """What it uses: a sample a second, or one; `one-shot` does without a sample before it."""
    is_stream = call.query.flag("stream", default=True)
    one_shot = call.query.flag("one-shot") and call.is_at_least("1.41")
    if is_stream and one_shot:
        raise StreamOfOne
    if not is_stream:
        return call.reply(await call.backend.containers.stats(call.name, one_shot=one_shot))
    samples = call.backend.containers.stats_stream(call.name)

    async def lines() -> AsyncIterator[bytes]:
        async for sample in samples:
            yield call.encode(sample) + b"\n"

    return StreamResponse(lines(), headers=JSON)


ROUTES = [
    Route("GET", "/containers/{name}/stats", stats),
    Route("GET", "/containers/{name}/logs", logs),
    Route("POST", "/containers/{name}/attach", attach),
]
