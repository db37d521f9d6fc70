"""HTTP/1.1 for pulls: kept connections, redirects, and failures in Go's words.

Bodies are read with `readinto` into the caller's buffer: big reads are what makes a pull cheap.
A connection goes back to the pool when its body was read to the end, and is closed otherwise.
"""

import http.client
import os
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from lading.registry.client import tls
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.dial import dial, explain
from lading.registry.client.endpoints import Settings, is_insecure
from lading.registry.client.errors import InvalidAnswer, Unreachable
from lading.version import VERSION

TIMEOUT_S = 30.0  # to connect, and for each read; a stalled connection is tried anew
REDIRECTS = 10
IDLE_LIMIT = 8  # connections kept per origin
REDIRECTING = frozenset({301, 302, 303, 307, 308})


Release = Callable[[bool], None]  # told whether the body was read to its end


class Origin(NamedTuple):
    """What a connection is to."""

    scheme: str
    netloc: str
    verify: bool


class Response:
    """A response whose body is not read yet. Close it in every case."""

    def __init__(self, raw: http.client.HTTPResponse, url: str, release: Release) -> None:
        self._raw = raw
        self._release: Release | None = release
        self.url = url
        self.status = raw.status
        self.headers = raw.headers

    @property
    def length(self) -> int | None:
        """Content-Length, None when the sender did not say."""
        value = self.headers.get("Content-Length", "")
        return int(value) if value.isdecimal() else None

    def readinto(self, view: memoryview) -> int:
        """Fill the view as far as the body goes; 0 is its end, whole or cut. Raises OSError."""
        try:
            return self._raw.readinto(view)
        except http.client.HTTPException as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    def read_all(self, limit: int) -> bytes:
        """The whole body. Raises InvalidAnswer when longer than `limit` bytes or cut."""
        try:
            data = self._raw.read(limit + 1)
        except (http.client.HTTPException, OSError) as error:
            raise Unreachable("Get", self.url, explain(error)) from error
        if len(data) > limit:
            raise InvalidAnswer(f"{self.url}: response larger than {limit} bytes")
        return data

    def close(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        release, self._release = self._release, None
        if release:
            is_complete = self._raw.isclosed()
            self._raw.close()
            release(is_complete)

    def __enter__(self) -> "Response":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Transport:
    """Connections to all registries; safe to use from several threads."""

    def __init__(self, settings: Settings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._contexts: dict[Origin, ssl.SSLContext] = {}

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        cancellation: Cancellation,
        verify: bool | None = None,
    ) -> Response:
        """Send a request without a body and follow redirects. Raises Unreachable, Cancelled.

        `Authorization` goes to the origin of `url` only: a redirect to another host loses it.
        """
        first = urlsplit(url)
        sent = {"User-Agent": f"lading/{VERSION}", **headers}
        for _ in range(REDIRECTS + 1):
            target = urlsplit(url)
            if _origin(target) != _origin(first):
                sent.pop("Authorization", None)
                verify = None
            response = self._send(method, url, sent, verify=verify, cancellation=cancellation)
            location = response.headers.get("Location")
            if response.status not in REDIRECTING or not location:
                return response
            response.close()
            url = urljoin(url, location)
            if urlsplit(url).scheme not in {"http", "https"}:
                break
        raise Unreachable(method.title(), url, f"stopped after {REDIRECTS} redirects")

    def close(self) -> None:
        """Close the connections that wait for use."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (one for connections in idle.values() for one in connections):
            connection.close()

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        verify: bool | None,
        cancellation: Cancellation,
    ) -> Response:
        parts = urlsplit(url)
        if verify is None:
            verify = not is_insecure(parts.netloc, self._settings)
        origin = Origin(parts.scheme, parts.netloc, verify)
        try:
            while connection := self._take(origin):
                try:
                    return self._exchange(connection, origin, method, url, headers, cancellation)
                except (http.client.RemoteDisconnected, ConnectionError):
                    cancellation.check()  # else it was closed while idle: take another
            connection = self._connect(origin)
            return self._exchange(connection, origin, method, url, headers, cancellation)
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
        cancellation: Cancellation,
    ) -> Response:
        with ExitStack() as undo:
            undo.callback(connection.close)
            if connection.sock is None:
                dial(connection)
            watch = undo.enter_context(ExitStack())
            watch.enter_context(cancellation.interrupting(connection.sock))
            parts = urlsplit(url)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, headers=dict(headers))
            raw = connection.getresponse()
            if method == "HEAD":
                raw.read()  # nothing follows, but only this tells http.client so
            undo.pop_all()

        def release(is_complete: bool) -> None:
            watch.close()
            self._give_back(connection, origin, keep=is_complete and not cancellation.is_cancelled)

        return Response(raw, url, release)

    def _connect(self, origin: Origin) -> http.client.HTTPConnection:
        if origin.scheme == "http":
            return http.client.HTTPConnection(origin.netloc, timeout=self._timeout_s)
        return http.client.HTTPSConnection(
            origin.netloc, timeout=self._timeout_s, context=self._context(origin)
        )

    def _context(self, origin: Origin) -> ssl.SSLContext:
        with self._lock:
            if origin not in self._contexts:
                certificates = self._settings.certificates
                directory = certificates and os.path.join(certificates, origin.netloc)
                self._contexts[origin] = tls.context(verify=origin.verify, directory=directory)
            return self._contexts[origin]

    def _take(self, origin: Origin) -> http.client.HTTPConnection | None:
        with self._lock:
            connections = self._idle.get(origin)
            return connections.pop() if connections else None

    def _give_back(
        self, connection: http.client.HTTPConnection, origin: Origin, *, keep: bool
    ) -> None:
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            # http.client has closed it already when the server said "Connection: close"
            if keep and connection.sock is not None and len(idle) < IDLE_LIMIT:
                idle.append(connection)
                return
        connection.close()


def _origin(url: SplitResult) -> tuple[str, str]:
    return url.scheme, url.netloc.rpartition("@")[2]
