"""The files of a container that are about names: hosts, hostname and resolv.conf.

They are in the container's directory and bound over those of its image. So they are changed in
place, never replaced: a running container sees the file that was there when it started.
"""

import hashlib
import logging
import os
from collections.abc import Sequence

from lading.containers import links
from lading.containers.context import Context
from lading.containers.links import Linked
from lading.containers.record import ContainerRecord
from lading.networks import Endpoint, hosts, resolvconf
from lading.networks.nameserver import choose, has_names, sockets
from lading.networks.service import read_file

log = logging.getLogger(__name__)
_DIGEST = ".sha256"  # what we wrote last, so that a user's own text is known


def write_all(
    context: Context,
    record: ContainerRecord,
    endpoints: Sequence[Endpoint],
    linked: Sequence[Linked],
) -> None:
    """hosts anew (addresses change); hostname and resolv.conf only if they are not there."""
    host, config = record.host_config, record.config
    directory = context.layout.files(record.id)
    text = hosts.build(
        config.hostname,
        ips=addresses(endpoints),
        domainname=config.domainname,
        extra_hosts=host.extra_hosts or [],
        gateways=_gateways(context),
        ipv6=any(endpoint.ipv6 for endpoint in endpoints),
    )
    _write(f"{directory}/hosts", text + links.host_lines(linked))
    if not os.path.exists(f"{directory}/hostname"):
        _write(f"{directory}/hostname", hosts.hostname_file(config.hostname))
    write_resolver(context, record, endpoints)


def write_resolver(
    context: Context, record: ContainerRecord, endpoints: Sequence[Endpoint]
) -> None:
    """resolv.conf as the networks want it, unless somebody has edited it since."""
    host = record.host_config
    path = f"{context.layout.files(record.id)}/resolv.conf"
    text = resolvconf.host_text(read_file)
    asked = context.defaults.resolver(host)
    if any(has_names(endpoint) for endpoint in endpoints):
        upstream = choose(text, servers=asked.servers, options=asked.options, has_way_out=True)
        resolver = resolvconf.build_internal(
            text,
            address=sockets.ADDRESS,
            search=asked.search,
            options=asked.options,
            asked=upstream.servers,
        )
    else:
        resolver = resolvconf.build(
            text,
            servers=asked.servers,
            search=asked.search,
            options=asked.options,
            ipv6=any(endpoint.ipv6 for endpoint in endpoints),
            shares_host=host.network_mode == "host",
        )
    if _is_ours(path):
        _write(path, resolver)
        _write(path + _DIGEST, hashlib.sha256(resolver.encode()).hexdigest())


def _is_ours(path: str) -> bool:
    """Whether the file is as we left it, or not there yet."""
    try:
        with open(path, "rb") as file:
            present = file.read()
        with open(path + _DIGEST, encoding="ascii") as file:
            return file.read() == hashlib.sha256(present).hexdigest()
    except FileNotFoundError:
        return not os.path.exists(path)


def rewrite_hosts(
    context: Context,
    record: ContainerRecord,
    *,
    with_: Sequence[Endpoint] = (),
    without: Sequence[Endpoint] = (),
) -> None:
    """The lines of endpoints that came or went; a file that cannot be written is logged."""
    path = f"{context.layout.files(record.id)}/hosts"
    config = record.config

    def lines(endpoints: Sequence[Endpoint]) -> list[str]:
        found = addresses(endpoints)
        return [hosts.own_line(ip, config.hostname, domainname=config.domainname) for ip in found]

    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
        changed = hosts.change(text, remove=lines(without), add=lines(with_))
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(changed)
    except OSError as error:
        log.error("%s: %s", path, error)


def addresses(endpoints: Sequence[Endpoint]) -> list[str]:
    """Every address of the endpoints, in order."""
    return [ip for endpoint in endpoints for ip in (endpoint.ip, endpoint.ipv6) if ip]


def _gateways(context: Context) -> Sequence[str]:
    """What `host-gateway` stands for: as told, or the host's address on the default bridge."""
    found = context.find_network("bridge")
    return context.defaults.host_gateways or ([found.gateway] if found and found.gateway else [])


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)
