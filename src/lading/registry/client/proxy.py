"""Which proxy a request goes through, by the rules of Go's net/http and curl.

    NO_PROXY entry     matches
    *                  everything
    10.0.0.0/8         addresses in the network, when the URL has an address
    example.org        the host and what is below it
    .example.org       what is below it
    example.org:5000   with that port only
Loopback never goes through a proxy.
"""

import base64
import ipaddress
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from lading.errors import InvalidArgument

PORTS = {"http": 80, "https": 443}


class BadProxy(InvalidArgument):
    """invalid proxy address {0!r}: http://[user:password@]host[:port] is what works"""


class Proxies(NamedTuple):
    """URLs of proxies for plain and for TLS targets, and the hosts that need none."""

    http: str = ""
    https: str = ""
    no_proxy: str = ""


class Proxy(NamedTuple):
    """Where to connect, and the header that proves who we are."""

    host: str
    port: int
    authorization: str | None


def from_environment(environ: Mapping[str, str]) -> Proxies:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY in either case."""

    def value(name: str) -> str:
        return environ.get(name) or environ.get(name.lower()) or ""

    return Proxies(value("HTTP_PROXY"), value("HTTPS_PROXY"), value("NO_PROXY"))


def choose(url: SplitResult, proxies: Proxies) -> Proxy | None:
    """The proxy for that target; None: connect to it. Raises BadProxy."""
    address = proxies.https if url.scheme == "https" else proxies.http
    if not address or _is_exempt(url, proxies.no_proxy):
        return None
    return parse(address)


def parse(address: str) -> Proxy:
    """Read a proxy's URL; the scheme may be left out. Raises BadProxy."""
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port or PORTS["http"]
    except ValueError:
        raise BadProxy(address) from None
    if parts.scheme != "http" or not parts.hostname:
        raise BadProxy(address)
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(parts.hostname, port, authorization)


def _is_exempt(url: SplitResult, no_proxy: str) -> bool:
    host = (url.hostname or "").rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    port = url.port or PORTS.get(url.scheme, 0)
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    return any(_matches(entry, host, address, port) for entry in entries if entry)


def _matches(
    entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int
) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and ":" not in name.strip("[]").partition("]")[0]:
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    if address is not None:
        return _address(entry) == address
    suffix = entry.removeprefix("*")
    return host.endswith(suffix) if suffix.startswith(".") else _is_below(host, entry)


def _is_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
