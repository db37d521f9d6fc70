"""Which addresses serve a registry's name, in the order to try them.

Names of docker.io go to the mirrors first. A registry in an insecure network (loopback always is,
others by `--insecure-registry`) may have a certificate that nobody signed, or no TLS at all: https
without verification is tried first, then http, as dockerd does.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from lading.oci.reference import DEFAULT_DOMAIN

DOCKER_HUB = "registry-1.docker.io"
LOOPBACK = ("127.0.0.0/8", "::1/128")

Lookup = Callable[[str], list[str]]


class Settings(NamedTuple):
    """How this engine reaches registries."""

    mirrors: tuple[str, ...] = ()  # URLs, for docker.io only
    insecure: tuple[str, ...] = ()  # "host", "host:port" or a network in CIDR notation
    certificates: str | None = "/etc/docker/certs.d"  # HOST[:PORT]/{*.crt,*.cert,*.key}


class Endpoint(NamedTuple):
    """One base URL without a trailing slash, and whether its certificate must be good."""

    url: str
    verify: bool = True
    is_mirror: bool = False

    @property
    def host(self) -> str:
        """Host and port as the URL spells them."""
        return urlsplit(self.url).netloc


def addresses(host: str) -> list[str]:
    """The host's addresses; none when it cannot be looked up."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]) for entry in found]


def candidates(domain: str, settings: Settings, *, lookup: Lookup = addresses) -> list[Endpoint]:
    """The endpoints for that registry, best first."""
    if domain == DEFAULT_DOMAIN:
        mirrors = [_mirror(url, settings, lookup) for url in settings.mirrors]
        return [*mirrors, Endpoint(f"https://{DOCKER_HUB}")]
    if is_insecure(domain, settings, lookup=lookup):
        return [Endpoint(f"https://{domain}", verify=False), Endpoint(f"http://{domain}")]
    return [Endpoint(f"https://{domain}")]


def is_insecure(netloc: str, settings: Settings, *, lookup: Lookup = addresses) -> bool:
    """Whether "host[:port]" may lack a good certificate."""
    host = hostname(netloc)
    if netloc in settings.insecure or host in settings.insecure:
        return True
    networks = [*LOOPBACK, *(entry for entry in settings.insecure if "/" in entry)]
    known = [_address(text) for text in ([host] if _address(host) else lookup(host))]
    return any(
        address in ipaddress.ip_network(network, strict=False)
        for network in networks
        for address in known
        if address is not None
    )


def hostname(netloc: str) -> str:
    """The host of "host[:port]", without the brackets of an IPv6 address."""
    return urlsplit(f"//{netloc}").hostname or ""


def _mirror(url: str, settings: Settings, lookup: Lookup) -> Endpoint:
    verify = not is_insecure(urlsplit(url).netloc, settings, lookup=lookup)
    return Endpoint(url.rstrip("/"), verify=verify, is_mirror=True)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
