"""The tag Exec: a further process in a running container."""

import base64
from collections.abc import AsyncIterator

from lading.api import hijack
from lading.api.call import Call
from lading.api.detach import BadEscapeKeys, parse_keys
from lading.api.router import Route
from lading.errors import InvalidArgument
from lading.http import Response
from lading.wire.exec import ExecConfig, ExecStart


class NoCommand(InvalidArgument):
    """No exec command specified"""


class _Failure:
    """An attachment to a process that could not be started: its only output is the reason.

    Clients of a started exec look for the reason in its output and for the code in its inspect.
    """

    def __init__(self, error: Exception, *, tty: bool) -> None:
        self.tty = tty
        self._text = f"{error}\r\n".encode()

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        yield 1, self._text

    async def write(self, data: bytes) -> None:
        """There is nobody to write to."""

    async def write_eof(self) -> None:
        """There is nobody to tell."""

    async def close(self) -> None:
        """There is nothing to close."""

    def detached(self) -> None:
        """There is nothing to detach from."""


async def create(call: Call) -> Response:
    """Register a command to run; nothing runs yet."""
    config = await call.document(ExecConfig)
    if not config.cmd:
        raise NoCommand
    parse_keys(config.detach_keys, error=BadEscapeKeys)
    exec_id = await call.backend.containers.exec_create(call.name, config)
    return call.reply({"Id": exec_id}, status=201)


async def start(call: Call) -> Response:
    """Run it; unless detached, take over the connection for its input and output."""
    asked = await call.document(ExecStart)
    known = call.backend.containers.exec_inspect(call.name)
    try:
        attachment = await call.backend.containers.exec_start(call.name, asked)
    except InvalidArgument as error:
        if asked.detach:
            raise
        attachment = _Failure(error, tty=asked.tty)
    if attachment is None:
        return Response(200)
    keys = parse_keys(base64.b64decode(known.detach_keys).decode())
    # dockerd frames by what the start says, whatever the create said
    return hijack.take_over(
        call, attachment, has_stdin=known.open_stdin, keys=keys, is_raw=asked.tty
    )


async def inspect(call: Call) -> Response:
    """Whether it runs, and how it ended."""
    return call.reply(call.backend.containers.exec_inspect(call.name))


async def resize(call: Call) -> Response:
    """Tell its terminal how large it is."""
    height, width = call.query.size("h", "resize height"), call.query.size("w", "resize width")
    await call.backend.containers.exec_resize(call.name, height=height, width=width)
    return Response(200)


ROUTES = [
    Route("POST", "/containers/{name}/exec", create, is_uninterrupted=True),
    Route("POST", "/exec/{name}/start", start),
    Route("POST", "/exec/{name}/resize", resize, is_uninterrupted=True),
    Route("GET", "/exec/{name}/json", inspect),
]
