"""`lading system df`: who takes how much of the disk."""

from __future__ import annotations

import sys
import time

from lading import quantities
from lading.cli import format
from lading.cli.command import Command
from lading.cli.failures import Failure
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.format import Field
from lading.cli.parser import Arguments, parse
from lading.sdk import json_text, system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "system df",
    "[OPTIONS]",
    "Show docker disk usage",
    (
        Flag("format", "", STRING, "Format output: 'table', 'json', or a template"),
        Flag("verbose", "v", BOOL, "Show detailed information on space usage"),
    ),
    most=0,
)


class DfArguments(Arguments):
    format: str
    verbose: bool


FIELDS = {
    "Active": Field("ACTIVE", lambda row: str(row["active"])),
    "Reclaimable": Field("RECLAIMABLE", lambda row: _reclaimable(row)),
    "Size": Field("SIZE", lambda row: quantities.format_bytes(row["size"])),
    "TotalCount": Field("TOTAL", lambda row: str(row["total"])),
    "Type": Field("TYPE", lambda row: str(row["type"])),
}
COLUMNS = ("Type", "TotalCount", "Active", "Size", "Reclaimable")


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, DfArguments())
    usage = session.run(system.disk_usage())
    if args.verbose:
        from lading.cli import disk_details

        sys.stdout.write(_verbose(disk_details.tables(usage, time.time()), args.format))
        return 0
    go_type = "*formatter.diskUsageImagesContext"
    sys.stdout.write(format.rows(rows(usage), FIELDS, args.format, COLUMNS, go_type=go_type))
    return 0


def _reclaimable(row: Document) -> str:
    text = quantities.format_bytes(row["reclaimable"])
    has_share = row["size"] > 0 and row["type"] != "Build Cache"
    return f"{text} ({row['reclaimable'] * 100 // row['size']}%)" if has_share else text


def rows(usage: Document) -> list[Document]:
    """A row a kind: `{"type", "total", "active", "size", "reclaimable"}`."""
    return [_images(usage), _containers(usage), _volumes(usage), _caches(usage)]


def _row(kind: str, total: int, active: int, size: int, reclaimable: int) -> Document:
    return {
        "type": kind,
        "total": total,
        "active": active,
        "size": size,
        "reclaimable": reclaimable,
    }


def _images(usage: Document) -> Document:
    """What images share counts once; what an image that is used needs cannot be had back."""
    images = usage.get("Images") or []
    size = usage.get("LayersSize") or 0
    used = [image for image in images if (image.get("Containers") or 0) > 0]
    kept = sum(
        image["Size"] - max(image.get("SharedSize") or 0, 0)
        for image in used
        if image["Size"] != -1 and image.get("SharedSize") != -1
    )
    return _row("Images", len(images), len(used), size, max(size - kept, 0))


def _containers(usage: Document) -> Document:
    containers = usage.get("Containers") or []
    running = [c for c in containers if c["State"] in ("running", "paused", "restarting")]
    size = sum(c.get("SizeRw") or 0 for c in containers)
    kept = sum(c.get("SizeRw") or 0 for c in running)
    return _row("Containers", len(containers), len(running), size, size - kept)


def _volumes(usage: Document) -> Document:
    volumes = usage.get("Volumes") or []
    facts = [volume.get("UsageData") or {"RefCount": 0, "Size": 0} for volume in volumes]
    known = [fact for fact in facts if fact["Size"] != -1]
    size = sum(fact["Size"] for fact in known)
    kept = sum(fact["Size"] for fact in known if fact["RefCount"] > 0)
    active = sum(fact["RefCount"] > 0 for fact in facts)
    return _row("Local Volumes", len(volumes), active, size, size - kept)


def _caches(usage: Document) -> Document:
    caches = usage.get("BuildCache") or []
    own = [cache for cache in caches if not cache.get("Shared")]
    size = sum(cache["Size"] for cache in own)
    kept = sum(cache["Size"] for cache in own if cache.get("InUse"))
    active = sum(bool(cache.get("InUse")) for cache in caches)
    return _row("Build Cache", len(caches), active, size, size - kept)


def _verbose(
    tables: Mapping[str, tuple[str, list[Document], Mapping[str, Field], tuple[str, ...]]],
    wanted: str,
) -> str:
    """Titles with tables, or one document that has a list of each kind."""
    if not wanted or wanted == "table":
        return "\n".join(
            f"{title}\n\n{format.rows(found, fields, '', columns)}"
            for title, found, fields, columns in tables.values()
        )
    document = {
        kind: [format.as_document(item, fields) for item in found]
        for kind, (_, found, fields, _) in tables.items()
    }
    if wanted == "json":
        return json_text.dumps(document, ascii=False) + "\n"
    if wanted.startswith("table"):
        raise Failure("a table of chosen columns cannot be verbose")
    return format.document(document, wanted)
