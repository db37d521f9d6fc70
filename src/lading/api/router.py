"""From a request to its route and back: paths, versions, headers, errors.

Routes are a table (`lading.api.routes`). A path is served with and without `/vX.Y` in front. A name
in a path may hold slashes and colons (`/images/a/b:tag/json`), so patterns are anchored at both
ends and the name takes what is between.

Every error that reaches a client is made here: a `LadingError` has its status and text, anything
else is a bug, told as 500 and logged with its traceback.
"""

import asyncio
import errno
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple
from urllib.parse import unquote

from lading.api.backend import Backend
from lading.api.call import JSON, Call
from lading.api.versions import negotiate
from lading.errors import LadingError, NotFound, SystemFault
from lading.http import ClientGone, Request, Response
from lading.version import API_VERSION, VERSION
from lading.wire import codec

log = logging.getLogger(__name__)

Handler = Callable[[Call], Awaitable[Response]]
HEADERS = [
    ("Api-Version", API_VERSION),
    ("Docker-Experimental", "false"),
    ("Ostype", "linux"),
    ("Server", f"Docker/{VERSION} (linux)"),
]
# the disk, memory, descriptors or processes are used up, or the disk is broken
HOST_FAULTS = frozenset([
    errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.EIO,
    errno.EROFS,
])  # fmt: skip
_VERSIONED = re.compile(r"/v([0-9][0-9.]*)(/.*)")


class PageNotFound(NotFound):
    """page not found"""


class Route(NamedTuple):
    """One operation. `{name}` in the pattern may hold slashes.

    An `is_uninterrupted` handler runs to its end even if its client goes away: what it does to a
    container must not stop half-way because somebody pressed ctrl-c.
    """

    method: str
    pattern: str
    handler: Handler
    is_uninterrupted: bool = False


class Router:
    """The handler of the whole API: `await router(request)`."""

    def __init__(self, backend: Backend, routes: Iterable[Route]) -> None:
        self._backend = backend
        self._routes: dict[tuple[str, str], list[tuple[re.Pattern[str], Route]]] = {}
        self._running: set[asyncio.Task[Response]] = set()
        for route in routes:
            key = (route.method, _first_word(route.pattern))
            self._routes.setdefault(key, []).append((_compile(route.pattern), route))

    async def __call__(self, request: Request) -> Response:
        """Answer a request. Raises only ClientGone and CancelledError."""
        try:
            response = await self._dispatch(request)
        except LadingError as error:
            response = error_response(error)
        except ClientGone:
            raise
        except ConnectionAbortedError as error:  # a room below was fed by a client that went away
            raise ClientGone from error
        except OSError as error:
            response = self._host_fault(request, error)
        except Exception as error:
            log.exception("bug: %s %s", request.method, request.path)
            response = error_response(error)
        response.headers += HEADERS
        return response

    def _host_fault(self, request: Request, error: OSError) -> Response:
        """What the host has run out of is nobody's bug, and told in its words."""
        if error.errno not in HOST_FAULTS:
            log.exception("bug: %s %s", request.method, request.path)
            return error_response(error)
        reason = os.strerror(error.errno or 0).lower()
        log.error("%s %s: %s", request.method, request.path, error)
        return error_response(SystemFault(reason))

    async def aclose(self) -> None:
        """Wait for the handlers whose clients have gone."""
        if self._running:
            await asyncio.wait(self._running)

    async def _dispatch(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(200)
        path = unquote(request.path)
        versioned = _VERSIONED.fullmatch(path)
        if versioned:
            path = versioned[2]
        route, name = self._find(request.method, path)
        version = negotiate(versioned[1] if versioned else None)
        call = Call(self._backend, request, version, name)
        if route.is_uninterrupted:
            return await self._finish(route.handler(call))
        return await route.handler(call)

    def _find(self, method: str, path: str) -> tuple[Route, str]:
        for pattern, route in self._routes.get((method, _first_word(path)), ()):
            match = pattern.fullmatch(path)
            if match:
                return route, match["name"] if pattern.groups else ""
        raise PageNotFound

    async def _finish(self, handling: Awaitable[Response]) -> Response:
        task = asyncio.ensure_future(handling)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: "asyncio.Task[Response]") -> None:
        """Also looks at the outcome that nobody waits for any more."""
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, LadingError | ClientGone):
            log.debug("an uninterrupted call failed", exc_info=error)


def error_response(error: Exception) -> Response:
    """The error as Docker tells it."""
    status = error.status if isinstance(error, LadingError) else 500
    if status == 304:
        return Response(304)
    message = str(error) or type(error).__name__
    return Response(status, codec.encode({"message": message}) + b"\n", headers=JSON)


def _first_word(path: str) -> str:
    return path[1:].partition("/")[0]


def _compile(pattern: str) -> re.Pattern[str]:
    before, name, after = pattern.partition("{name}")
    return re.compile(re.escape(before) + ("(?P<name>.+)" if name else "") + re.escape(after))
