"""Kept connections to registries, direct or through a proxy, and their TLS contexts.

A connection goes back to the pool when its body was read to the end, and is closed otherwise.
"""

import http.client
import os
import ssl
import threading
from typing import NamedTuple
from urllib.parse import urlsplit

from lading.registry.client import proxy as proxies
from lading.registry.client import tls
from lading.registry.client.endpoints import Settings, is_insecure
from lading.registry.client.proxy import Proxy
from lading.registry.client.trust import Trust
from lading.registry.client.whole_head import WholeHead

IDLE_LIMIT = 8  # connections kept per origin


class Origin(NamedTuple):
    """What a connection is to."""

    scheme: str
    netloc: str
    trust: Trust
    proxy: Proxy | None

    @property
    def is_relayed(self) -> bool:
        """Whether the proxy reads our requests, which then name the whole URL."""
        return self.proxy is not None and self.scheme == "http"


class Connections:
    """Connections that wait for use; safe to use from several threads."""

    def __init__(self, settings: Settings, *, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._contexts: dict[tuple[str, Trust], ssl.SSLContext] = {}

    def origin(self, url: str, trust: Trust | None) -> Origin:
        """Where a request for the URL goes. Raises tls.MissingKey, proxy.BadProxy."""
        parts = urlsplit(url)
        verify = not is_insecure(parts.netloc, self._settings) if trust is None else trust.verify
        whole = self._trust(parts.netloc, verify, trust) if parts.scheme == "https" else Trust()
        return Origin(
            parts.scheme, parts.netloc, whole, proxies.choose(parts, self._settings.proxies)
        )

    def new(self, origin: Origin) -> http.client.HTTPConnection:
        """A connection that is not open yet."""
        made = self._new(origin)
        made.response_class = WholeHead
        return made

    def _new(self, origin: Origin) -> http.client.HTTPConnection:
        parts = urlsplit(f"{origin.scheme}://{origin.netloc}")
        proxy = origin.proxy
        if origin.scheme == "http":
            if proxy:
                return http.client.HTTPConnection(proxy.host, proxy.port, timeout=self._timeout_s)
            return http.client.HTTPConnection(origin.netloc, timeout=self._timeout_s)
        context = self._context(origin)
        if not proxy:
            return http.client.HTTPSConnection(
                origin.netloc, timeout=self._timeout_s, context=context
            )
        made = http.client.HTTPSConnection(
            proxy.host, proxy.port, timeout=self._timeout_s, context=context
        )
        headers = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
        made.set_tunnel(parts.hostname or "", parts.port or 443, headers)
        return made

    def take(self, origin: Origin) -> http.client.HTTPConnection | None:
        """A connection that stands already; maybe its other end is gone."""
        with self._lock:
            connections = self._idle.get(origin)
            return connections.pop() if connections else None

    def give_back(
        self, connection: http.client.HTTPConnection, origin: Origin, *, keep: bool
    ) -> None:
        """Keep it for the next request, or close it."""
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            # http.client has closed it already when the server said "Connection: close"
            if keep and connection.sock is not None and len(idle) < IDLE_LIMIT:
                idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close the connections that wait for use."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (one for connections in idle.values() for one in connections):
            connection.close()

    def _trust(self, netloc: str, verify: bool, trust: Trust | None) -> Trust:
        """What hosts.toml says, on top of what certs.d has."""
        certificates = self._settings.certificates
        found = Trust(verify)
        if certificates:
            found = tls.of_directory(os.path.join(certificates, netloc), verify=verify)
        if trust is None:
            return found
        return Trust(
            verify,
            (*found.authorities, *trust.authorities),
            (*found.clients, *trust.clients),
        )

    def _context(self, origin: Origin) -> ssl.SSLContext:
        key = (origin.netloc, origin.trust)
        with self._lock:
            if key not in self._contexts:
                self._contexts[key] = tls.context(origin.trust)
            return self._contexts[key]
