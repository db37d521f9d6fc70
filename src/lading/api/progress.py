"""Progress streams: JSON messages one after the other, each with CRLF and sent at once.

The status of the answer is decided by the first thing that happens: work that fails before its
first message is answered with the error's own status; later errors come in the stream, as the
last message. Source: Docker Engine API v1.51, ImageCreate and the type CreateImageInfo.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from lading.api.call import JSON
from lading.errors import LadingError
from lading.http import ClientGone, Response, StreamResponse
from lading.wire import codec

log = logging.getLogger(__name__)

Message = dict[str, object]
_Task = asyncio.Task[None]
Work = Callable[[Callable[[Message], None]], Awaitable[object]]


async def respond(work: Work, *, is_always_streamed: bool = False) -> Response:
    """Run `work(progress)` and stream what it reports. Raises what it raises before a message.

    With `is_always_streamed` no error has a status of its own: the stream tells of the first, too.
    Cancelling the answer (its client has gone) cancels the work.
    """
    messages: asyncio.Queue[Message | None] = asyncio.Queue()

    async def run() -> None:
        try:
            await work(messages.put_nowait)
        finally:
            messages.put_nowait(None)

    task = asyncio.ensure_future(run())
    if is_always_streamed:
        return StreamResponse(_Lines(await messages.get(), messages, task), headers=JSON)
    try:
        first = await messages.get()
        if first is None:
            await task  # raises what the work raised, if it did
    except BaseException:
        task.cancel()
        raise
    return StreamResponse(_Lines(first, messages, task), headers=JSON)


class _Lines:
    """The lines of the answer. An object, for closing it must end the work even if unread."""

    def __init__(
        self, first: Message | None, messages: "asyncio.Queue[Message | None]", task: _Task
    ) -> None:
        self._next = first
        self._messages = messages
        self._task = task
        self._lines = self._iterate()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._lines

    async def _iterate(self) -> AsyncIterator[bytes]:
        while self._next is not None:
            yield _line(self._next)
            self._next = await self._messages.get()
        try:
            await self._task
        except Exception as error:
            # whoever sends an archive may go away in the middle of it
            if not isinstance(error, LadingError | ClientGone | ConnectionAbortedError):
                log.exception("bug: work with progress failed")
            yield _line(error_message(str(error) or type(error).__name__))

    async def aclose(self) -> None:
        self._task.cancel()


def error_message(text: str) -> Message:
    """An error inside a stream; `error` repeats it for clients from before `errorDetail`."""
    return {"errorDetail": {"message": text}, "error": text}


def _line(message: Message) -> bytes:
    return codec.encode(message) + b"\r\n"
