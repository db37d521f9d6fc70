"""The tag Container: its life, from start to exit."""

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager

from lading.api.call import JSON, Call
from lading.api.router import Route
from lading.errors import InvalidArgument, LadingError, PermissionDenied
from lading.http import Response, StreamResponse
from lading.wire.codec import encode
from lading.wire.containers import WaitResult

CONDITIONS = ("not-running", "next-exit", "removed")


class BodyAtStart(InvalidArgument):
    """starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24"""  # noqa: E501


class NoCheckpoints(InvalidArgument):
    """checkpoint is only supported in experimental mode"""


class NoCheckpointDirectory(PermissionDenied):
    """custom checkpointdir is not supported"""


class BadCondition(InvalidArgument):
    """invalid condition: "{0}\""""


async def start(call: Call) -> Response:
    """Start it; 304 if it runs. A body was once a HostConfig and is refused if there is one."""
    length = call.request.header("content-length")
    if call.request.header("transfer-encoding") or int(length or 0) > 7:  # "{}", "null", nothing
        raise BodyAtStart
    if call.query.text("checkpoint"):
        raise NoCheckpoints
    if call.query.text("checkpoint-dir"):
        raise NoCheckpointDirectory
    await call.backend.containers.start(call.name)
    return Response(204)


async def stop(call: Call) -> Response:
    """Stop it, gently first; 304 if it is stopped."""
    timeout_s = call.query.number("t")
    with _prefixed(f"cannot stop container: {call.name}: "):
        await call.backend.containers.stop(call.name, signal=_signal(call), timeout_s=timeout_s)
    return Response(204)


async def restart(call: Call) -> Response:
    """Stop it if it runs, then start it."""
    timeout_s = call.query.number("t")
    with _prefixed(f"Cannot restart container {call.name}: "):
        await call.backend.containers.restart(call.name, signal=_signal(call), timeout_s=timeout_s)
    return Response(204)


def _signal(call: Call) -> str | None:
    return call.query.text("signal") or None if call.is_at_least("1.42") else None


async def kill(call: Call) -> Response:
    """Send a signal, KILL if none is named."""
    with _prefixed(f"cannot kill container: {call.name}: ", but=(304,)):
        await call.backend.containers.kill(call.name, signal=call.query.text("signal") or None)
    return Response(204)


@contextmanager
def _prefixed(prefix: str, but: tuple[int, ...] = (304, 404)) -> Iterator[None]:
    """The same blame with more words, where the status is not one of `but`."""
    try:
        yield
    except LadingError as error:
        if error.status in but:
            raise
        told = LadingError(prefix + str(error))
        told.status = error.status
        raise told from error


async def pause(call: Call) -> Response:
    """Freeze every process of it."""
    await call.backend.containers.pause(call.name)
    return Response(204)


async def unpause(call: Call) -> Response:
    """Let its processes go on."""
    await call.backend.containers.unpause(call.name)
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


async def top(call: Call) -> Response:
    """Its processes, as the host's `ps` prints them."""
    return call.reply(await call.backend.containers.top(call.name, call.query.text("ps_args")))


ROUTES = [
    Route("GET", "/containers/{name}/top", top),
    Route("POST", "/containers/{name}/wait", wait),
    Route("POST", "/containers/{name}/start", start, is_uninterrupted=True),
    Route("POST", "/containers/{name}/stop", stop, is_uninterrupted=True),
    Route("POST", "/containers/{name}/restart", restart, is_uninterrupted=True),
    Route("POST", "/containers/{name}/kill", kill, is_uninterrupted=True),
    Route("POST", "/containers/{name}/pause", pause, is_uninterrupted=True),
    Route("POST", "/containers/{name}/unpause", unpause, is_uninterrupted=True),
    Route("POST", "/containers/{name}/resize", resize, is_uninterrupted=True),
]
