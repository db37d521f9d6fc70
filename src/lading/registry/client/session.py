"""Requests to one repository at one endpoint, with whatever authorization it asks for.

A challenge is answered once for all threads; a grant that ran out is renewed before a body is sent
in vain. Every request may be sent twice, so bodies must be able to begin again.
"""

import threading
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from lading.errors import LadingError
from lading.registry.client import challenge as challenges
from lading.registry.client import errors
from lading.registry.client.access import Access
from lading.registry.client.body import Body
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.challenge import Challenge
from lading.registry.client.endpoints import Endpoint
from lading.registry.client.response import Response
from lading.registry.client.tokens import Authorize, Grant
from lading.registry.client.transport import Transport

ERROR_LIMIT = 1024 * 1024  # bytes of an error body that are read


class Session:
    """May be used by several threads at once."""

    def __init__(
        self,
        access: Access,
        endpoint: Endpoint,
        *,
        transport: Transport,
        authorize: Authorize,
        cancellation: Cancellation,
    ) -> None:
        self.access = access
        self.endpoint = endpoint
        self.cancellation = cancellation
        self._transport = transport
        self._authorize = authorize
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._offered: list[Challenge] = []

    def ping(self) -> None:
        """See that a registry answers, and get a token if it wants one. Raises Unreachable."""
        with self._send("GET", f"{self.endpoint.root}/", {}, None, None) as response:
            body = response.read_all(ERROR_LIMIT)
            if response.status == 401:
                header = response.headers.get("WWW-Authenticate", "")
                self._answer(challenges.parse(header), stale=None)
            elif response.status == 429 or response.status >= 500:
                raise self.error(response, body)

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Of something in the repository: `manifests/latest`."""
        base = f"{self.endpoint.root}/{quote(self.access.reference.path)}/{path}"
        return f"{base}?{urlencode(query)}" if query else base

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: Body | None = None,
    ) -> Response:
        """Send it; a challenge is answered once. The response may be an error: see `check`."""
        sent = headers or {}
        grant = self._fresh()
        response = self._send(method, url, sent, grant, body)
        if response.status != 401:
            return response
        if method != "HEAD":
            response.keep(response.read_all(ERROR_LIMIT))
        offered = challenges.parse(response.headers.get("WWW-Authenticate", ""))
        response.close()
        if not self._answer(offered, stale=grant):
            return response
        return self._send(method, url, sent, self._grant, body)

    def _fresh(self) -> Grant | None:
        """The grant; one that ran out is renewed, so that no body is sent in vain."""
        grant = self._grant
        if grant is not None and grant.is_over:
            self._answer(self._offered, stale=grant)
        return self._grant

    def check(self, response: Response) -> bytes:
        """The body of a response that is no error. Raises what an error means, and closes it."""
        with response:
            body = response.read_all(ERROR_LIMIT)
            if response.status >= 300:
                raise self.error(response, body)
            return body

    def error(self, response: Response, body: bytes) -> LadingError:
        """What a refused request means."""
        reference, is_push = self.access.reference, self.access.is_push
        return errors.from_response(
            response.status, response.headers, body, reference, is_push=is_push
        )

    def _answer(self, offered: list[Challenge], *, stale: Grant | None) -> bool:
        """Get another grant than the stale one, once for all threads."""
        with self._lock:
            if self._grant is not stale:
                return True
            grant = self._authorize(offered, self.access, self.cancellation)
            if grant is None and any(challenge.scheme == "basic" for challenge in offered):
                raise errors.AuthenticationRequired(self._without_credentials())
            self._grant, self._offered = grant, offered
            return grant is not None

    def _without_credentials(self) -> str:
        """Docker's words, which differ for pulls: there they begin with the request."""
        text = "no basic auth credentials"
        if self.access.is_push:
            return text
        reference = self.access.reference
        target = reference.digest or reference.tag or "latest"
        return f'Head "{self.url(f"manifests/{target}")}": {text}'

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        grant: Grant | None,
        body: Body | None,
    ) -> Response:
        sent = {**dict(self.endpoint.headers), **headers}
        if grant:
            sent["Authorization"] = grant.value
        if self.endpoint.namespace and method in ("GET", "HEAD"):
            url += ("&" if "?" in url else "?") + urlencode({"ns": self.endpoint.namespace})
        return self._transport.request(
            method, url, sent, trust=self.endpoint.trust, cancellation=self.cancellation, body=body
        )
