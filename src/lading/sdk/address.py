"""Where an engine listens: `unix:///run/lading.sock`, `tcp://127.0.0.1:2375`."""

from __future__ import annotations

from lading.sdk.errors import AddressError

DEFAULT_TCP_PORT = 2375  # IANA "docker": plain text


class Address:
    """`scheme` is "unix" (then `path`) or "tcp" (then `host`, `port`); `text` is what was given."""

    __slots__ = ("host", "path", "port", "scheme", "text")

    def __init__(self, text: str, scheme: str, *, path: str = "", host: str = "", port: int = 0):
        self.text = text
        self.scheme = scheme
        self.path = path
        self.host = host
        self.port = port

    def host_header(self) -> str:
        """HTTP wants a Host; behind a unix socket any valid name does (RFC 9112, section 3.2)."""
        if self.scheme == "unix":
            return "lading"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> Address:
    """The address in `text`. Raises AddressError."""
    if not text:
        raise AddressError("unable to parse docker host ``")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "tcp", text  # as Docker's command reads it
    if scheme == "unix":
        return Address(text, "unix", path=rest or "/var/run/docker.sock")
    if scheme in ("tcp", "http"):
        return _tcp(text, rest)
    raise AddressError(f"unsupported scheme in {text}: use unix:// or tcp://")


def _tcp(text: str, rest: str) -> Address:
    place = rest.rstrip("/")
    if place.startswith("["):
        host, _, tail = place[1:].partition("]")
        port = tail.removeprefix(":")
    elif place.count(":") > 1:
        raise AddressError(f"invalid address {text}: write an IPv6 host in brackets")
    else:
        host, _, port = place.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise AddressError(f"invalid port in {text}")
    return Address(text, "tcp", host=host or "localhost", port=int(port or DEFAULT_TCP_PORT))
