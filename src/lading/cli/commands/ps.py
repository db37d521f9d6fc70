"""`lading ps`: a table of containers."""

from __future__ import annotations

import sys
import time

from lading import names, quantities
from lading.cli import format, human, timestamps
from lading.cli.command import Command
from lading.cli.flags import BOOL, INT, Flag
from lading.cli.format import Field
from lading.cli.list_flags import FILTER_FLAG, FORMAT_FLAG, NO_TRUNC_FLAG
from lading.cli.parser import Arguments, parse
from lading.sdk import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "ps",
    "[OPTIONS]",
    "List containers",
    (
        Flag("all", "a", BOOL, "Show all containers (default shows just running)"),
        FILTER_FLAG,
        FORMAT_FLAG,
        Flag("last", "n", INT, "Show n last created containers (includes all states)", default=-1),
        Flag("latest", "l", BOOL, "Show the latest created container (includes all states)"),
        NO_TRUNC_FLAG,
        Flag("quiet", "q", BOOL, "Only display container IDs"),
        Flag("size", "s", BOOL, "Display total file sizes"),
    ),
    most=0,
    aliases=("container ls", "container list", "container ps", "ps"),
)


class PsArguments(Arguments):
    all: bool
    filter: dict[str, list[str]]
    format: str
    last: int
    latest: bool
    no_trunc: bool
    quiet: bool
    size: bool


COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, PsArguments())
    limit = 1 if args.latest else max(args.last, 0)
    found = session.run(
        containers.list_(all=args.all, limit=limit, size=wants_size(args), filters=args.filter)
    )
    sys.stdout.write(render(found, args, time.time()))
    return 0


def wants_size(args: PsArguments) -> bool:
    """Sizes cost the engine a walk, so only when they are shown; JSON of the row shows them."""
    return args.size or ".Size" in args.format or "{{json ." in args.format


def render(found: Sequence[Document], args: PsArguments, now: float) -> str:
    shown = fields(now, truncated=not args.no_trunc)
    if args.quiet and not args.format:
        return "".join(f"{shown['ID'].value(container)}\n" for container in found)
    columns = (*COLUMNS, "Size") if args.size else COLUMNS
    return format.rows(found, shown, args.format, columns, go_type="*formatter.ContainerContext")


def fields(now: float, *, truncated: bool) -> dict[str, Field]:
    """Every column of a container's row."""
    return {
        "Command": Field("COMMAND", lambda c: _command(c, truncated)),
        "CreatedAt": Field("CREATED AT", lambda c: timestamps.local(c["Created"])),
        "ID": Field("CONTAINER ID", lambda c: names.short_id(c["Id"]) if truncated else c["Id"]),
        "Image": Field("IMAGE", lambda c: _image(c, truncated)),
        "HealthStatus": Field("HEALTH", _health),
        "Label": Field("", lambda c, name: format.label_of(c.get("Labels") or {}, name), takes=1),
        "Labels": Field("LABELS", lambda c: pairs(c.get("Labels") or {})),
        "LocalVolumes": Field("LOCAL VOLUMES", _local_volumes),
        "Mounts": Field("MOUNTS", lambda c: _mounts(c, truncated)),
        "Names": Field("NAMES", lambda c: _names(c, truncated)),
        "Networks": Field("NETWORKS", _networks),
        "Platform": Field("PLATFORM", _platform),
        "Ports": Field("PORTS", lambda c: ports(c.get("Ports") or [])),
        "RunningFor": Field(
            "CREATED", lambda c: quantities.format_age(now - c["Created"]) + " ago"
        ),
        "Size": Field("SIZE", _size),
        "State": Field("STATE", lambda c: str(c["State"])),
        "Status": Field("STATUS", lambda c: str(c["Status"])),
    }


def _command(container: Document, truncated: bool) -> str:
    command: str = container.get("Command") or ""
    return human.quoted(human.ellipsis(command, 20) if truncated else command)


def _image(container: Document, truncated: bool) -> str:
    image: str = container["Image"]
    if not image:
        return "<no image>"
    if not truncated:
        return image
    if names.short_id(container.get("ImageID") or "") == names.short_id(image):
        return names.short_id(image)
    name, digest, _ = image.partition("@")
    return name if digest and ":" in name.rpartition("/")[2] else image


def _names(container: Document, truncated: bool) -> str:
    """Without the leading slash; truncated, without the names that links gave it."""
    names = [name.removeprefix("/") for name in container.get("Names") or []]
    return ",".join(name for name in names if not truncated or "/" not in name)


def pairs(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels))


def _local_volumes(container: Document) -> str:
    mounts = container.get("Mounts") or []
    return str(sum(1 for mount in mounts if mount.get("Driver") == "local"))


def _mounts(container: Document, truncated: bool) -> str:
    names = [
        mount.get("Name") or mount.get("Source") or "" for mount in container.get("Mounts") or []
    ]
    return ",".join(human.ellipsis(name, 15) if truncated else name for name in names)


def _networks(container: Document) -> str:
    return ",".join((container.get("NetworkSettings") or {}).get("Networks") or {})


def _health(container: Document) -> str:
    """starting, healthy or unhealthy; empty without a check."""
    status: str = (container.get("Health") or {}).get("Status") or ""
    return "" if status == "none" else status


def _platform(container: Document) -> Document | None:
    platform: Document | None = (container.get("ImageManifestDescriptor") or {}).get("platform")
    return platform


def _size(container: Document) -> str:
    text = quantities.format_bytes_3(container.get("SizeRw") or 0)
    virtual = container.get("SizeRootFs") or 0
    return f"{text} (virtual {quantities.format_bytes_3(virtual)})" if virtual else text


def ports(published: Sequence[Document]) -> str:
    """`0.0.0.0:8080->80/tcp, 443/tcp`; neighbours that map one to one are drawn as a range."""
    order = sorted(
        published,
        key=lambda p: (p["PrivatePort"], p.get("IP") or "", p.get("PublicPort") or 0, p["Type"]),
    )
    ranges: list[list[Document]] = []
    for port in order:
        for group in ranges:
            if _follows(group[-1], port):
                group.append(port)
                break
        else:
            ranges.append([port])
    return ", ".join(_range(group) for group in ranges)


def _follows(last: Document, port: Document) -> bool:
    if (last.get("IP"), last["Type"]) != (port.get("IP"), port["Type"]):
        return False
    public, wanted = port.get("PublicPort") or 0, last.get("PublicPort") or 0
    step = public == wanted + 1 if wanted else not public
    return bool(port["PrivatePort"] == last["PrivatePort"] + 1 and step)


def _range(group: Sequence[Document]) -> str:
    first, last = group[0], group[-1]
    private = _span(first["PrivatePort"], last["PrivatePort"])
    if not first.get("PublicPort"):
        return f"{private}/{first['Type']}"
    host = first.get("IP") or ""
    host = f"[{host}]" if ":" in host else host
    public = _span(first["PublicPort"], last["PublicPort"])
    return (
        f"{host}:{public}->{private}/{first['Type']}"
        if host
        else f"{public}->{private}/{first['Type']}"
    )


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
