"""Before and behind the router: may this client do that, and who did what.

    role of the certificate -> plugins (AuthZReq) -> router -> plugins (AuthZRes) -> audit

A plugin that cannot be asked refuses: what guards must not fail open. It is shown the whole body of
a request that is a document, however long; one that is longer than the server reads is refused.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from lading.api.audit import Audit
from lading.api.authorization import Plugin
from lading.api.router import HEADERS, error_response
from lading.errors import LadingError, PermissionDenied
from lading.http import Request, Response

Handler = Callable[[Request], Awaitable[Response]]
log = logging.getLogger(__name__)

_LOOKING = ("GET", "HEAD", "OPTIONS")


class ReadOnly(PermissionDenied):
    """authorization denied: the certificate of {0} may only read"""


class Guard:
    """A handler around a handler."""

    def __init__(
        self, handler: Handler, *, plugins: Sequence[Plugin] = (), audit: Audit | None = None
    ) -> None:
        self._handler = handler
        self._plugins = plugins
        self._audit = audit

    def use_plugins(self, plugins: Sequence[Plugin]) -> None:
        """Ask these from the next request on."""
        self._plugins = plugins

    async def __call__(self, request: Request) -> Response:
        began = time.monotonic()
        try:
            response = await self._answer(request)
        except LadingError as error:
            response = error_response(error)
            response.headers += HEADERS
        if self._audit and request.method not in _LOOKING:
            try:
                self._audit.write(request, response.status, time.monotonic() - began)
            except OSError as error:  # it is done by now; a full disk cannot undo it
                log.error("the audit log cannot be written: %s", error)
        return response

    async def _answer(self, request: Request) -> Response:
        peer = request.peer
        # the websocket is a GET, and types into a container
        if peer.is_read_only and (
            request.method not in _LOOKING or request.path.endswith("/attach/ws")
        ):
            raise ReadOnly(peer.name)
        plugins = self._plugins  # those of now, for both directions
        for plugin in plugins:
            await plugin.check_request(request)
        response = await self._handler(request)
        for plugin in reversed(plugins):
            await plugin.check_response(request, response)
        return response
