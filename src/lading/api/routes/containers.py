"""The tag Container."""

from collections.abc import AsyncIterator, Awaitable

from lading.api import hijack
from lading.api.backend import LogStream
from lading.api.call import JSON, Call
from lading.api.detach import parse_keys
from lading.api.framing import SYSTEM_ERROR, frame, frame_lines, pieces
from lading.api.router import Route
from lading.errors import InvalidArgument, LadingError
from lading.http import Response, StreamResponse
from lading.wire.codec import encode
from lading.wire.containers import ContainerCreate, WaitResult

FILTERS = frozenset(
    (
        *("ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation"),
        *("label", "name", "network", "publish", "since", "status", "volume"),
    )
)
CONDITIONS = ("not-running", "next-exit", "removed")


class NoConfig(InvalidArgument):
    """config cannot be empty in order to create a container"""


class NoStream(InvalidArgument):
    """Bad parameters: you must choose at least one stream"""


class BodyAtStart(InvalidArgument):
    """starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24"""  # noqa: E501


class BadCondition(InvalidArgument):
    """invalid condition: "{0}\""""


async def list_(call: Call) -> Response:
    """Containers, newest first; the running ones unless asked otherwise."""
    limit = call.query.number("limit")
    return call.reply(
        call.backend.containers.list(
            all=call.query.flag("all"),
            limit=limit if limit and limit > 0 else None,
            size=call.query.flag("size"),
            filters=call.query.filters(FILTERS),
        )
    )


async def create(call: Call) -> Response:
    """Make a container; its image must be here (the 404 otherwise makes clients pull it)."""
    asked = await call.document(ContainerCreate)
    if asked == ContainerCreate():
        raise NoConfig
    platform = call.query.text("platform") if call.is_at_least("1.41") else ""
    created = await call.backend.containers.create(
        asked, name=call.query.text("name") or None, platform=platform or None
    )
    return call.reply(created, status=201)


async def inspect(call: Call) -> Response:
    """Everything about one container."""
    return call.reply(call.backend.containers.inspect(call.name, size=call.query.flag("size")))


async def start(call: Call) -> Response:
    """Start it; 304 if it runs. A body was once a HostConfig and is refused if there is one."""
    length = call.request.header("content-length")
    if call.request.header("transfer-encoding") or int(length or 0) > 7:  # "{}", "null", nothing
        raise BodyAtStart
    await call.backend.containers.start(call.name)
    return Response(204)


async def stop(call: Call) -> Response:
    """Stop it, gently first; 304 if it is stopped."""
    await call.backend.containers.stop(
        call.name, signal=_signal(call), timeout_s=call.query.number("t")
    )
    return Response(204)


async def restart(call: Call) -> Response:
    """Stop it if it runs, then start it."""
    await call.backend.containers.restart(
        call.name, signal=_signal(call), timeout_s=call.query.number("t")
    )
    return Response(204)


def _signal(call: Call) -> str | None:
    return call.query.text("signal") or None if call.is_at_least("1.42") else None


async def kill(call: Call) -> Response:
    """Send a signal, KILL if none is named."""
    try:
        await call.backend.containers.kill(call.name, signal=call.query.text("signal") or None)
    except LadingError as error:
        raise _prefixed(error, f"cannot kill container: {call.name}: ") from error
    return Response(204)


def _prefixed(error: LadingError, prefix: str) -> LadingError:
    """The same blame with more words."""
    told = LadingError(prefix + str(error))
    told.status = error.status
    return told


async def pause(call: Call) -> Response:
    """Freeze every process of it."""
    await call.backend.containers.pause(call.name)
    return Response(204)


async def unpause(call: Call) -> Response:
    """Let its processes go on."""
    await call.backend.containers.unpause(call.name)
    return Response(204)


async def rename(call: Call) -> Response:
    """Give it another name."""
    await call.backend.containers.rename(call.name, call.query.text("name"))
    return Response(204)


async def remove(call: Call) -> Response:
    """Remove it, if need be by force, with its anonymous volumes if asked."""
    await call.backend.containers.remove(
        call.name,
        force=call.query.flag("force"),
        volumes=call.query.flag("v"),
        link=call.query.flag("link"),
    )
    return Response(204)


async def resize(call: Call) -> Response:
    """Tell its terminal how large it is."""
    height, width = call.query.size("h", "resize height"), call.query.size("w", "resize width")
    await call.backend.containers.resize(call.name, height=height, width=width)
    return Response(200)


async def wait(call: Call) -> Response:
    """Registered before we answer; the head goes out at once and the result when it is there."""
    condition = call.query.text("condition") or CONDITIONS[0]
    if condition not in CONDITIONS:
        raise BadCondition(condition)
    waiting = call.backend.containers.wait(call.name, condition)
    return StreamResponse(_result(waiting), headers=JSON)


async def _result(waiting: Awaitable[WaitResult]) -> AsyncIterator[bytes]:
    yield encode(await waiting) + b"\n"


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


ROUTES = [
    Route("GET", "/containers/json", list_),
    Route("POST", "/containers/create", create, is_uninterrupted=True),
    Route("GET", "/containers/{name}/json", inspect),
    Route("GET", "/containers/{name}/logs", logs),
    Route("POST", "/containers/{name}/attach", attach),
    Route("POST", "/containers/{name}/wait", wait),
    Route("POST", "/containers/{name}/start", start, is_uninterrupted=True),
    Route("POST", "/containers/{name}/stop", stop, is_uninterrupted=True),
    Route("POST", "/containers/{name}/restart", restart, is_uninterrupted=True),
    Route("POST", "/containers/{name}/kill", kill, is_uninterrupted=True),
    Route("POST", "/containers/{name}/pause", pause, is_uninterrupted=True),
    Route("POST", "/containers/{name}/unpause", unpause, is_uninterrupted=True),
    Route("POST", "/containers/{name}/rename", rename, is_uninterrupted=True),
    Route("POST", "/containers/{name}/resize", resize, is_uninterrupted=True),
    Route("DELETE", "/containers/{name}", remove, is_uninterrupted=True),
]
