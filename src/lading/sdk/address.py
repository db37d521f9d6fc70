"""Where an engine listens: `unix:///run/lading.sock`, `tcp://127.0.0.1:2375`."""

from __future__ import annotations

from lading.sdk.errors import AddressError

DEFAULT_TCP_PORT = 2375  # IANA "docker": plain text


class Address:
    """`scheme` is "unix" (then `path`), "tcp" (then `host`, `port`) or "ssh" (then `user`, `host`,
    `port`, and `path` of a socket there); `text` is what was given."""

    __slots__ = ("host", "path", "port", "scheme", "text", "user")

    def __init__(
        self,
        text: str,
        scheme: str,
        *,
        path: str = "",
        host: str = "",
        port: int = 0,
        user: str = "",
    ) -> None:
        self.text = text
        self.scheme = scheme
        self.path = path
        self.host = host
        self.port = port
        self.user = user

    def host_header(self) -> str:
        """HTTP wants a Host; behind a unix socket any valid name does (RFC 9112, section 3.2)."""
        if self.scheme != "tcp":
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
    if scheme in ("tcp", "http", "https"):
        return _tcp(text, rest)
    if scheme == "ssh":
        return _ssh(text, rest)
    raise AddressError(f"unsupported scheme in {text}: use unix://, tcp:// or ssh://")


def _ssh(text: str, rest: str) -> Address:
    """`ssh://user@host:port/path/of/socket`."""
    place, slash, path = rest.partition("/")
    user, _, place = place.rpartition("@")
    host, port = _split_port(text, place)
    if ":" in user:
        raise AddressError("invalid SSH URL: plain-text password is not supported")
    if not host or host.startswith("-") or user.startswith("-"):
        raise AddressError(f"invalid SSH URL: {text}: no host specified")
    return Address(text, "ssh", user=user, host=host, port=port, path=slash + path if path else "")


def _tcp(text: str, rest: str) -> Address:
    host, port = _split_port(text, rest.rstrip("/"))
    return Address(text, "tcp", host=host or "localhost", port=port or DEFAULT_TCP_PORT)


def _split_port(text: str, place: str) -> tuple[str, int]:
    """Host and port, 0 when none is given."""
    if place.startswith("["):
        host, _, tail = place[1:].partition("]")
        port = tail.removeprefix(":")
    elif place.count(":") > 1:
        raise AddressError(f"invalid address {text}: write an IPv6 host in brackets")
    else:
        host, _, port = place.partition(":")
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise AddressError(f"invalid port in {text}")
    return host, int(port or 0)
