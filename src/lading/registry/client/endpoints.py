"""Which addresses serve a registry's name, in the order to try them.

A `hosts.toml` in certs.d has the first word. Else names of docker.io go to the mirrors first, and a
registry in an insecure network (loopback always is, others by `--insecure-registry`) may have a
certificate that nobody signed, or no TLS at all: https without verification is tried first, then
http, as dockerd does.
"""

import ipaddress
import os
import socket
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from lading.oci.reference import DEFAULT_DOMAIN
from lading.registry.client import hosts_toml
from lading.registry.client.hosts_toml import Host
from lading.registry.client.proxy import Proxies
from lading.registry.client.trust import UNVERIFIED, VERIFIED, Trust

DOCKER_HUB = "registry-1.docker.io"
LOOPBACK = ("127.0.0.0/8", "::1/128")

Lookup = Callable[[str], list[str]]


class Settings(NamedTuple):
    """How this engine reaches registries."""

    mirrors: tuple[str, ...] = ()  # URLs, for docker.io only
    insecure: tuple[str, ...] = ()  # "host", "host:port" or a network in CIDR notation
    certificates: str | None = "/etc/docker/certs.d"  # HOST[:PORT]/{*.crt,*.cert,*.key,hosts.toml}
    proxies: Proxies = Proxies()
    downloads: int = 3  # blobs at once in a pull, and in a push; dockerd's defaults
    uploads: int = 5


class Endpoint(NamedTuple):
    """One base URL without a trailing slash, and what must be true of it.

    `trust` None: what certs.d says of its host. A mirror gets no credentials of the registry's, and
    is asked with `namespace`, so that one mirror can serve many registries.
    """

    url: str
    trust: Trust | None = None
    is_mirror: bool = False
    namespace: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    has_whole_path: bool = False

    @property
    def host(self) -> str:
        """Host and port as the URL spells them."""
        return urlsplit(self.url).netloc

    @property
    def root(self) -> str:
        """The API's root, without a trailing slash."""
        return self.url if self.has_whole_path else f"{self.url}/v2"

    @property
    def may_be_plain(self) -> bool:
        """Whether http is worth a try when https fails."""
        return self.url.startswith("https:") and self.trust is not None and not self.trust.verify


def addresses(host: str) -> list[str]:
    """The host's addresses; none when it cannot be looked up."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]) for entry in found]


def candidates(
    domain: str, settings: Settings, *, capability: str = "pull", lookup: Lookup = addresses
) -> list[Endpoint]:
    """The endpoints for that registry, best first. Raises hosts_toml.BadHostsFile."""
    listed = _listed(domain, settings)
    if listed is None:
        return _known(domain, settings, capability, lookup)
    able = [_of_host(host, domain) for host in listed if capability in host.capabilities]
    has_server = any(not endpoint.is_mirror for endpoint in able)
    return able if has_server else [*able, *_known(domain, settings, "push", lookup)]


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


def _known(domain: str, settings: Settings, capability: str, lookup: Lookup) -> list[Endpoint]:
    """The endpoints when nobody wrote a file about them."""
    if domain == DEFAULT_DOMAIN:
        mirrors = [_mirror(url, settings, lookup) for url in settings.mirrors]
        return [*(mirrors if capability != "push" else ()), Endpoint(f"https://{DOCKER_HUB}")]
    if is_insecure(domain, settings, lookup=lookup):
        return [Endpoint(f"https://{domain}", UNVERIFIED), Endpoint(f"http://{domain}")]
    return [Endpoint(f"https://{domain}")]


def _listed(domain: str, settings: Settings) -> list[Host] | None:
    """What hosts.toml says, in a directory of the registry's name or in `_default`."""
    if settings.certificates is None:
        return None
    host, colon, port = domain.rpartition(":")
    names = [domain, *([f"{host}_{port}_"] if colon else ()), "_default"]
    for name in names:
        found = hosts_toml.read(os.path.join(settings.certificates, name, "hosts.toml"))
        if found is not None:
            return found
    return None


def _of_host(host: Host, domain: str) -> Endpoint:
    real = DOCKER_HUB if domain == DEFAULT_DOMAIN else domain
    is_mirror = urlsplit(host.url).netloc != real
    return Endpoint(
        host.url,
        None if host.trust == VERIFIED else host.trust,
        is_mirror,
        domain if is_mirror else "",
        host.headers,
        host.has_whole_path,
    )


def _mirror(url: str, settings: Settings, lookup: Lookup) -> Endpoint:
    is_lax = is_insecure(urlsplit(url).netloc, settings, lookup=lookup)
    return Endpoint(url.rstrip("/"), UNVERIFIED if is_lax else None, is_mirror=True)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
