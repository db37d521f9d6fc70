"""`lading version`: of this command and of the engine it talks to."""

from __future__ import annotations

import os
import sys

from lading.cli import format, timestamps
from lading.cli.command import Command
from lading.cli.flags import STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.errors import LadingError
from lading.sdk import system
from lading.version import API_VERSION, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "version",
    "[OPTIONS]",
    "Show the Lading version information",
    (
        Flag(
            "format",
            "f",
            STRING,
            "Format output: 'json', or a template such as '{{.Server.Version}}'",
        ),
    ),
    most=0,
)


class VersionArguments(Arguments):
    format: str


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, VersionArguments())
    problem: LadingError | None = None
    server: Document | None = None
    try:
        server = session.run(system.version())
    except LadingError as error:
        problem = error
    if server:
        server = _readable(server)
    document = {"Client": client(session), "Server": server}
    shown = _text(document)
    if args.format:
        shown = format.document(document, args.format, "system.versionInfo", name="version")
    sys.stdout.write(shown)
    if problem:
        sys.stdout.flush()
        raise problem
    return 0


def _readable(server: Document) -> Document:
    """Build times as people write them, details in the order of their names."""
    components = []
    for part in server.get("Components") or []:
        details = dict(sorted((part.get("Details") or {}).items()))
        if "BuildTime" in details:
            details["BuildTime"] = timestamps.ansi_c(details["BuildTime"])
        components.append(part | {"Details": details})
    built = timestamps.ansi_c(server.get("BuildTime") or "")
    return server | {"Components": components, "BuildTime": built}


def client(session: Session) -> Document:
    python = sys.version_info
    return {
        "Version": VERSION,
        "ApiVersion": session.client.api_version,
        "DefaultAPIVersion": API_VERSION,
        "PythonVersion": f"{python.major}.{python.minor}.{python.micro}",
        "Os": "linux",
        "Arch": _arch(os.uname().machine),
        "Host": session.host,
    }


def _arch(machine: str) -> str:
    """By Go's name, as image platforms have it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _text(document: Document) -> str:
    mine, server = document["Client"], document["Server"]
    rows = [
        ("Version", mine["Version"]),
        ("API version", mine["ApiVersion"]),
        ("Python version", mine["PythonVersion"]),
        ("OS/Arch", f"{mine['Os']}/{mine['Arch']}"),
        ("Host", mine["Host"]),
    ]
    text = "Client:\n" + _rows(rows, " ")
    if server:
        text += "\nServer:\n" + "".join(_component(part) for part in _components(server))
    return text


def _components(server: Document) -> list[Document]:
    """The parts that the engine names; an old one is its own only part."""
    parts: list[Document] = server.get("Components") or []
    return parts or [{"Name": "Engine", "Version": server["Version"], "Details": server}]


def _component(part: Document) -> str:
    details = part.get("Details") or {}
    api = details.get("ApiVersion")
    least = details.get("MinAPIVersion")
    rows = [
        ("Version", part["Version"]),
        ("API version", f"{api} (minimum version {least})" if api and least else api),
        ("Go version", details.get("GoVersion")),
        ("Python version", details.get("PythonVersion")),
        ("Git commit", details.get("GitCommit")),
        ("Built", details.get("BuildTime")),
        ("OS/Arch", f"{details['Os']}/{details['Arch']}" if details.get("Os") else None),
        ("Kernel version", details.get("KernelVersion")),
    ]
    return f" {part['Name']}:\n" + _rows([(k, v) for k, v in rows if v], "  ")


def _rows(rows: Sequence[tuple[str, object]], indent: str) -> str:
    return "".join(f"{indent}{label + ':':<18} {value}\n" for label, value in rows)
