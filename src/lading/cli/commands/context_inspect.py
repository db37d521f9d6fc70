"""`lading context inspect`: what a context holds."""

from __future__ import annotations

import sys

from lading.cli import format
from lading.cli.command import Command
from lading.cli.commands.context_ls import current_name
from lading.cli.contexts import DEFAULT, TLS_FILES, Store
from lading.cli.endpoint import default_host
from lading.cli.flags import STRING, Flag
from lading.cli.parser import Arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session

COMMAND = Command(
    "context inspect",
    "[OPTIONS] [CONTEXT] [CONTEXT...]",
    "Display detailed information on one or more contexts",
    (Flag("format", "f", STRING, "Format output: 'json' (an array), or a template"),),
)


class InspectArguments(Arguments):
    format: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, InspectArguments())
    found = [_describe(session, name) for name in args.words or [current_name(session)]]
    if args.format in ("", "json"):
        import json

        indent, separators = (None, (",", ":")) if args.format else (4, None)
        sys.stdout.write(json.dumps(found, indent=indent, separators=separators) + "\n")
        return 0
    template = format.parse(args.format)
    sys.stdout.write("".join(format.fill(template, document) + "\n" for document in found))
    return 0


def _describe(session: Session, name: str) -> dict[str, object]:
    if name == DEFAULT:
        environ = session.environ
        host = environ.get("LADING_HOST") or environ.get("DOCKER_HOST") or default_host(environ)
        return {
            "Name": DEFAULT,
            "Metadata": {},
            "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}},
            "TLSMaterial": {},
            "Storage": {"MetadataPath": "<IN MEMORY>", "TLSPath": "<IN MEMORY>"},
        }
    context = Store(session.environ).get(name)
    files = [TLS_FILES[key] for key in context.tls()]
    return context.document() | {
        "TLSMaterial": {"docker": files} if files else {},
        "Storage": {"MetadataPath": context.meta_path, "TLSPath": context.tls_path},
    }
