"""Which engine is meant, and how it is reached: flags, environment, contexts.

`-H` and `-c` come first, then LADING_HOST, DOCKER_HOST, LADING_CONTEXT, DOCKER_CONTEXT, then what
`context use` chose, then the default socket. TLS is for tcp only.
"""

from __future__ import annotations

import os

from lading.cli import config
from lading.cli.failures import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.cli.front import GlobalFlags
    from lading.sdk.tls import TlsFiles

SOCKET = "/run/lading.sock"
DEFAULT_HOST = f"unix://{SOCKET}"


class Endpoint:
    """`tls` is None for plain text; `context` is the name it came from, "default" without one."""

    __slots__ = ("context", "host", "tls")

    def __init__(self, host: str, tls: TlsFiles | None = None, context: str = "default") -> None:
        self.host = host
        self.tls = tls
        self.context = context


def choose(flags: GlobalFlags | None, environ: Mapping[str, str]) -> Endpoint:
    """Raises Failure when a context is named that is not there."""
    host, name = (flags.host, flags.context) if flags else ("", "")
    if host and name:
        raise Failure("conflicting options: cannot specify both --host and --context")
    if not name:
        host = host or environ.get("LADING_HOST") or environ.get("DOCKER_HOST") or ""
    if not host:
        name = name or context_name(environ)
    if name and name != "default":
        return _of_context(name, environ)
    return Endpoint(host or default_host(environ), _tls(flags, environ))


def default_host(environ: Mapping[str, str]) -> str:
    """The host's engine; a plain user's own when that is none of theirs to use."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    if os.geteuid() == 0 or not runtime or os.access(SOCKET, os.W_OK):
        return DEFAULT_HOST
    return f"unix://{runtime}/lading.sock"


def context_name(environ: Mapping[str, str]) -> str:
    """The context that holds when neither host nor context is given; empty for the default."""
    asked = environ.get("LADING_CONTEXT") or environ.get("DOCKER_CONTEXT")
    return asked or config.current_context(environ)


def _of_context(name: str, environ: Mapping[str, str]) -> Endpoint:
    from lading.cli.contexts import Store
    from lading.sdk.tls import TlsFiles

    try:
        context = Store(environ).get(name)
    except Failure as failure:
        reason = f"unable to resolve docker endpoint: {failure.message}"
        raise Failure(f"Failed to initialize: {reason}") from failure
    files = context.tls()
    tls = None
    if files or context.skip_tls_verify:
        tls = TlsFiles(
            files.get("ca", ""),
            files.get("cert", ""),
            files.get("key", ""),
            verify=not context.skip_tls_verify,
        )
    return Endpoint(context.host, tls, name)


def _tls(flags: GlobalFlags | None, environ: Mapping[str, str]) -> TlsFiles | None:
    """What --tls* and the DOCKER_TLS* variables ask for; files that are not there are not used,
    unless a flag names them."""
    given = flags.given if flags else set()
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if flags and "tlsverify" in given:
        verify = flags.tlsverify
    wanted = verify or bool(environ.get("DOCKER_TLS")) or (flags is not None and flags.tls)
    if not wanted and not given & {"tlscacert", "tlscert", "tlskey"}:
        return None
    from lading.sdk.tls import TlsFiles

    directory = environ.get("DOCKER_CERT_PATH") or config.docker_directory(environ)
    paths = []
    for name in ("ca", "cert", "key"):
        flag = "tlscacert" if name == "ca" else f"tls{name}"
        path = getattr(flags, flag) if flags and flag in given else f"{directory}/{name}.pem"
        paths.append(path if flag in given or os.path.exists(path) else "")
    return TlsFiles(*paths, verify=verify)
