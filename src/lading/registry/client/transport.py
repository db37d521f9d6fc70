"""HTTP/1.1 with registries: requests with and without a body, redirects, failures in Go's words.

What is secret stays with whom it is meant for: `Authorization` and bodies go to the origin of the
first URL only, however a server redirects.
"""

import http.client
from collections.abc import Mapping
from contextlib import ExitStack
from urllib.parse import SplitResult, urljoin, urlsplit

from lading.registry.client.body import Body
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.connections import Connections, Origin
from lading.registry.client.dial import dial, explain
from lading.registry.client.endpoints import Settings, is_insecure
from lading.registry.client.errors import Unreachable
from lading.registry.client.response import Response
from lading.registry.client.trust import Trust
from lading.version import VERSION

TIMEOUT_S = 30.0  # to connect, and for each read; a stalled connection is tried anew
REDIRECTS = 10
REDIRECTING = frozenset({301, 302, 303, 307, 308})
KEEPING_BODY = frozenset({307, 308})  # RFC 9110, 15.4: the same method and content again
SAFE = frozenset({"GET", "HEAD"})


class Transport:
    """All registries over HTTP; safe to use from several threads."""

    def __init__(self, settings: Settings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._connections = Connections(settings, timeout_s=timeout_s)

    def is_insecure(self, url: str) -> bool:
        """Whether the URL's host may be spoken to without TLS."""
        return is_insecure(urlsplit(url).netloc, self._settings)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        cancellation: Cancellation,
        trust: Trust | None = None,
        body: Body | None = None,
    ) -> Response:
        """Send a request and follow redirects. Raises Unreachable, Cancelled.

        `Authorization` and the body go to the origin of `url` only: a redirect to another one loses
        the first, and ends there when there is a body.
        """
        first = urlsplit(url)
        sent = {"User-Agent": f"lading/{VERSION}", **headers}
        for _ in range(REDIRECTS + 1):
            is_elsewhere = _origin(urlsplit(url)) != _origin(first)
            if is_elsewhere:
                sent.pop("Authorization", None)
                trust = None
            response = self._send(method, url, sent, trust, body, cancellation)
            target = urljoin(url, response.headers.get("Location", ""))
            if not _may_follow(response, method, target, first):
                return response
            response.close()
            url = target
        raise Unreachable(method.title(), url, f"stopped after {REDIRECTS} redirects")

    def close(self) -> None:
        """Close the connections that wait for use."""
        self._connections.close()

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        trust: Trust | None,
        body: Body | None,
        cancellation: Cancellation,
    ) -> Response:
        origin = self._connections.origin(url, trust)
        try:
            while connection := self._connections.take(origin):
                try:
                    return self._exchange(
                        connection, origin, method, url, headers, body, cancellation
                    )
                except (http.client.RemoteDisconnected, ConnectionError):
                    cancellation.check()  # else it was closed while idle: take another
            connection = self._connections.new(origin)
            return self._exchange(connection, origin, method, url, headers, body, cancellation)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            cancellation.check()
            raise Unreachable(method.title(), url, explain(error)) from error

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        origin: Origin,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body | None,
        cancellation: Cancellation,
    ) -> Response:
        with ExitStack() as undo:
            undo.callback(connection.close)
            if connection.sock is None:
                dial(connection)
            watch = undo.enter_context(ExitStack())
            watch.enter_context(cancellation.interrupting(connection.sock))
            _write(connection, method, _target(url, origin), _headers(headers, origin, body), body)
            raw = connection.getresponse()
            if method == "HEAD":
                raw.read()  # nothing follows, but only this tells http.client so
            undo.pop_all()

        def release(is_complete: bool) -> None:
            watch.close()
            keep = is_complete and not cancellation.is_cancelled
            self._connections.give_back(connection, origin, keep=keep)

        return Response(raw, url, release)


def _write(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: Body | None,
) -> None:
    """The whole request; a server that answers before it has read the body is heard all the same.

    Raises OSError.
    """
    connection.request(method, target, headers=dict(headers))
    if body is None:
        return
    try:
        body.send(connection.sock)
    except (BrokenPipeError, ConnectionResetError):
        return  # what it said before it closed says why; if nothing, reading fails next


def _headers(headers: Mapping[str, str], origin: Origin, body: Body | None) -> dict[str, str]:
    sent = dict(headers)
    if body is not None:
        sent["Content-Length"] = str(body.length)
    if origin.is_relayed and origin.proxy and origin.proxy.authorization:
        sent["Proxy-Authorization"] = origin.proxy.authorization
    return sent


def _target(url: str, origin: Origin) -> str:
    """The request target: the path, or the whole URL for a proxy (RFC 9112, 3.2.2)."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"{origin.scheme}://{origin.netloc}{path}" if origin.is_relayed else path


def _may_follow(response: Response, method: str, target: str, first: SplitResult) -> bool:
    if response.status not in REDIRECTING or not response.headers.get("Location"):
        return False
    if urlsplit(target).scheme not in ("http", "https"):
        raise Unreachable(method.title(), target, "unsupported protocol scheme")
    if method in SAFE:
        return True
    return response.status in KEEPING_BODY and _origin(urlsplit(target)) == _origin(first)


def _origin(url: SplitResult) -> tuple[str, str]:
    return url.scheme, url.netloc.rpartition("@")[2]
