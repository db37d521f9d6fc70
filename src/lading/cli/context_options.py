"""What `context create` and `context update` share: their flags and what these mean."""

from __future__ import annotations

from lading.cli.contexts import TLS_FILES, Context, Store
from lading.cli.failures import Failure
from lading.cli.flags import STRING, Flag
from lading.cli.parser import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.cli.session import Session
    from lading.sdk.request import Document

FLAGS = (
    Flag("description", "", STRING, "Description of the context"),
    Flag("docker", "", STRING, "Set the endpoint (host=...,ca=...,cert=...,key=...)"),
    Flag("from", "", STRING, "Create context from a named context"),
)
_KEYS = {"host", "from", "ca", "cert", "key", "skip-tls-verify"}


class ContextArguments(Arguments):
    description: str
    docker: str
    from_: str


def describe(
    args: ContextArguments, name: str, session: Session, known: Context | None = None
) -> tuple[Document, dict[str, bytes]]:
    """The context's document and the contents of its TLS files. Raises Failure."""
    options = _options(args.docker)
    origin = args.from_ or options.get("from", "")
    base = Store(session.environ).get(origin) if origin and origin != "default" else known
    host = options.get("host", "") or (base.host if base else session.host)
    _check(host)
    skip = options.get("skip-tls-verify", "").lower() in ("1", "t", "true")
    description = args.description or (base.description if base else "")
    if "description" in args.given:
        description = args.description
    document: Document = {
        "Name": name,
        "Metadata": {"Description": description} if description else {},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": skip}},
    }
    paths = {key: options[key] for key in TLS_FILES if key in options}
    if base and "host" not in options:
        paths = base.tls() | paths
    return document, {key: _read(path) for key, path in paths.items()}


def _options(text: str) -> dict[str, str]:
    found = {}
    for field in text.split(",") if text else []:
        key, _, value = field.partition("=")
        if key not in _KEYS:
            raise Failure(
                f"unable to create docker endpoint config: unrecognized config key: {key}"
            )
        found[key] = value
    return found


def _check(host: str) -> None:
    from lading.sdk import address
    from lading.sdk.errors import AddressError

    problem = "unable to create docker endpoint config: unable to apply docker endpoint options"
    if "://" not in host:
        raise Failure(f"{problem}: unable to parse docker host `{host}`")
    try:
        address.parse(host)
    except AddressError as error:
        raise Failure(f"{problem}: {error}") from error


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"open {path}: {(error.strerror or '').lower()}") from error
