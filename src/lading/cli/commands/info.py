"""`lading info`: the engine, its host, and what it warns of."""

from __future__ import annotations

import sys

from lading import quantities
from lading.cli import format
from lading.cli.command import Command
from lading.cli.flags import STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.sdk import system
from lading.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "info",
    "[OPTIONS]",
    "Display system-wide information",
    (
        Flag(
            "format",
            "f",
            STRING,
            "Format output: 'json', or a template such as '{{.ServerVersion}}'",
        ),
    ),
    most=0,
    aliases=("system info", "info"),
)


class InfoArguments(Arguments):
    format: str


# What is shown, in this order: label, key of the engine's document.
_ROWS = (
    ("Containers", "Containers"),
    (" Running", "ContainersRunning"),
    (" Paused", "ContainersPaused"),
    (" Stopped", "ContainersStopped"),
    ("Images", "Images"),
    ("Server Version", "ServerVersion"),
    ("Storage Driver", "Driver"),
    ("Logging Driver", "LoggingDriver"),
    ("Cgroup Driver", "CgroupDriver"),
    ("Cgroup Version", "CgroupVersion"),
    ("Default Runtime", "DefaultRuntime"),
    ("Security Options", "SecurityOptions"),
    ("Kernel Version", "KernelVersion"),
    ("Operating System", "OperatingSystem"),
    ("OSType", "OSType"),
    ("Architecture", "Architecture"),
    ("CPUs", "NCPU"),
    ("Total Memory", "MemTotal"),
    ("Name", "Name"),
    ("ID", "ID"),
    ("Docker Root Dir", "DockerRootDir"),
    ("Debug Mode", "Debug"),
    ("HTTP Proxy", "HttpProxy"),
    ("HTTPS Proxy", "HttpsProxy"),
    ("No Proxy", "NoProxy"),
    ("Experimental", "ExperimentalBuild"),
    ("Live Restore Enabled", "LiveRestoreEnabled"),
)


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, InfoArguments())
    document = session.run(system.info())
    document["ClientInfo"] = {"Debug": False, "Version": VERSION, "Plugins": [], "Warnings": None}
    if args.format:
        sys.stdout.write(format.document(document, args.format, "system.dockerInfo"))
        return 0
    sys.stdout.write(f"Client:\n Version: {VERSION}\n Host: {session.host}\n\n")
    sys.stdout.write("Server:\n" + text(document))
    sys.stdout.flush()
    for warning in document.get("Warnings") or []:
        sys.stderr.write(f"{warning}\n")
    return 0


def text(document: Document) -> str:
    """The rows that the engine knows something about; lists on lines of their own."""
    lines = []
    for label, key in _ROWS:
        value = document.get(key)
        if value is None or value == "":
            continue
        if key == "MemTotal":
            value = quantities.format_bytes_binary(value)
        if isinstance(value, list):
            lines.append(f" {label}:\n" + "".join(f"  {item}\n" for item in value))
        else:
            shown = str(value).lower() if isinstance(value, bool) else value
            lines.append(f" {label}: {shown}\n")
        if key == "Driver":
            lines += [f"  {name}: {state}\n" for name, state in document.get("DriverStatus") or []]
    return "".join(lines)
