"""Where the engine listens, from its flags: addresses, the socket's group, certificates."""

import grp
import logging
import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from lading.http import (
    Certificates,
    Files,
    InheritedListener,
    Listener,
    TcpListener,
    UnixListener,
)
from lading.kernel import namespaces

DEFAULT_PORT = 2375  # of Docker's API without TLS
DEFAULT_TLS_PORT = 2376
TLS_DIRECTORY = "/etc/lading/tls"
GROUPS = ("lading", "docker")  # who may use the socket beside root: the first that exists
FIRST_INHERITED = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)
log = logging.getLogger("lading")


def listeners(
    hosts: Sequence[str],
    environ: dict[str, str],
    certificates: Certificates | None = None,
    group: str = "",
) -> list[Listener]:
    """Where to listen. Raises SystemExit for an address that is none."""
    found: list[Listener] = []
    for host in hosts:
        scheme, separator, rest = host.partition("://")
        if not separator:
            raise SystemExit(f"ladingd: invalid bind address format: {host}")
        if scheme == "unix":
            found.append(UnixListener(rest or "/run/lading.sock", gid=_socket_group(group)))
        elif scheme == "tcp":
            found.append(_tcp(host, certificates))
            if certificates is None:
                log.warning("listening on %s without TLS: whoever reaches it is root here", host)
        elif scheme == "fd":
            found += _inherited(environ)
        else:
            raise SystemExit(f"ladingd: unknown protocol in {host} (unix, tcp and fd are known)")
    return found


def _tcp(host: str, certificates: Certificates | None) -> TcpListener:
    default = DEFAULT_PORT if certificates is None else DEFAULT_TLS_PORT
    try:
        parts = urlsplit(host)
        port = default if parts.port is None else parts.port
        return TcpListener(parts.hostname or "127.0.0.1", port, certificates)
    except ValueError as error:
        raise SystemExit(f"ladingd: invalid bind address format: {host}: {error}") from error


def certificates(given: dict[str, object]) -> Certificates | None:
    """What the TLS flags ask for; None is plain text. Raises SystemExit."""
    names = {"tlscacert": "ca.pem", "tlscert": "cert.pem", "tlskey": "key.pem"}
    if not any(given.get(name) for name in ("tls", "tlsverify", *names)):
        return None
    paths = [str(given.get(name) or f"{TLS_DIRECTORY}/{file}") for name, file in names.items()]
    try:
        return Certificates(Files(paths[0], paths[1], paths[2], bool(given.get("tlsverify"))))
    except OSError as error:
        raise SystemExit(
            f"ladingd: could not load TLS files {', '.join(paths)}: {error}"
        ) from error


def _inherited(environ: dict[str, str]) -> list[Listener]:
    if environ.get("LISTEN_PID") != str(os.getpid()):
        raise SystemExit("ladingd: no sockets found via socket activation")
    count = int(environ.get("LISTEN_FDS", "0"))
    return [InheritedListener(FIRST_INHERITED + number) for number in range(count)]


def _socket_group(asked: str = "") -> int | None:
    """By name or number; without one the first of GROUPS that exists."""
    if asked.isdigit():
        return int(asked)
    if not asked and namespaces.in_user_namespace():
        return None  # the groups of the host are not ours to give
    for name in (asked,) if asked else GROUPS:
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            continue
    if asked:
        raise SystemExit(f"ladingd: group {asked} not found")
    return None
