"""Between a taken-over connection and a process: output out, input in, and three ways to end.

the process ends      output ends -> our direction ends -> the client closes
the client detaches   keys found in its input of a terminal -> everything ends, process goes on
the client goes       what it had sent still goes in; then everything ends, process goes on
"""

import asyncio
import logging
from functools import partial

from lading.api.backend import Attachment
from lading.api.call import Call
from lading.api.detach import Recogniser
from lading.api.framing import MULTIPLEXED, RAW, frame
from lading.errors import LadingError
from lading.http import ClientGone, Hijack, RawStream, Response, WebSocket
from lading.http.response import Headers

log = logging.getLogger(__name__)
LAST_WORDS_S = 2.0  # so long may a process take to read what a client left behind


def take_over(
    call: Call,
    attachment: Attachment,
    *,
    has_stdin: bool,
    keys: bytes,
    is_raw: bool | None = None,
) -> Response:
    """Answer with the raw streams of the attachment; it is closed in any case.

    Output is framed unless it is that of a terminal, or the client says otherwise by `is_raw`.
    """
    raw = attachment.tty if is_raw is None else is_raw
    run = partial(_run, attachment=attachment, has_stdin=has_stdin, keys=keys, is_raw=raw)
    return Hijack(run, headers=stream_headers(call, is_terminal=raw))


def take_over_as_websocket(
    call: Call, attachment: Attachment, headers: Headers, *, has_stdin: bool, keys: bytes
) -> Response:
    """Answer with messages, whose borders mean nothing, of the attachment's raw streams."""

    async def run(stream: RawStream) -> None:
        socket = WebSocket(stream, is_binary=call.is_at_least("1.28"))
        await _run(socket, attachment=attachment, has_stdin=has_stdin, keys=keys, is_raw=True)

    return Hijack(run, headers=headers)


def stream_headers(call: Call, *, is_terminal: bool) -> list[tuple[str, str]]:
    """How output is framed. An old client, or one that does not upgrade, knows one name only."""
    is_told = call.is_at_least("1.42") and (
        call.request.upgrade is not None or call.request.method == "GET"
    )
    return [("Content-Type", MULTIPLEXED if is_told and not is_terminal else RAW)]


async def _run(
    stream: RawStream | WebSocket,
    *,
    attachment: Attachment,
    has_stdin: bool,
    keys: bytes,
    is_raw: bool,
) -> None:
    output = asyncio.create_task(_pump_output(attachment, stream, is_raw=is_raw))
    client = asyncio.create_task(_pump_input(attachment, stream, has_stdin, keys))
    try:
        await asyncio.wait({output, client}, return_when=asyncio.FIRST_COMPLETED)
        if not output.done() and client.result():
            attachment.detached()
        elif not output.done():  # the client's input has ended; its output has not
            gone = asyncio.create_task(stream.wait_gone())
            await asyncio.wait({output, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
        elif _is_gone(output):  # the process talks, so our write learned of it before the read did
            await asyncio.wait({client}, timeout=LAST_WORDS_S)
        _report(output)
    finally:
        output.cancel()
        client.cancel()
        await asyncio.gather(output, client, return_exceptions=True)
        await attachment.close()
        await stream.finish()


async def _pump_output(
    attachment: Attachment, stream: RawStream | WebSocket, *, is_raw: bool
) -> None:
    async for number, payload in attachment.output():
        await stream.write(payload if is_raw else frame(number, payload))


async def _pump_input(
    attachment: Attachment, stream: RawStream | WebSocket, has_stdin: bool, keys: bytes
) -> bool:
    """Whether the client detached; False when its input has just ended."""
    recogniser = Recogniser(keys) if attachment.tty and has_stdin else None
    is_detached = False
    while not is_detached and (data := await stream.read()):
        if recogniser is not None:
            data, is_detached = recogniser.feed(data)
        has_stdin = has_stdin and await _give(attachment, data)
    if recogniser is not None and not is_detached:
        has_stdin = has_stdin and await _give(attachment, recogniser.end())
    if has_stdin and not is_detached:
        await attachment.write_eof()
    return is_detached


async def _give(attachment: Attachment, data: bytes) -> bool:
    """Whether the process takes input: one that has ended does not, and nobody minds."""
    try:
        if data:
            await attachment.write(data)
    except (LadingError, OSError):
        return False
    return True


def _is_gone(output: "asyncio.Task[None]") -> bool:
    """Whether output has ended because nobody is there to take it."""
    return not output.cancelled() and isinstance(output.exception(), ClientGone)


def _report(output: "asyncio.Task[None]") -> None:
    """Nobody else hears of an error in the middle of a stream."""
    error = output.exception() if output.done() and not output.cancelled() else None
    if error is not None and not isinstance(error, ClientGone | LadingError):
        log.error("output of an attached process failed", exc_info=error)
