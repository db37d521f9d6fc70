"""The tables of `system df -v`: each image, container, volume and piece of build cache."""

from __future__ import annotations

from lading import quantities
from lading.cli.commands import images, ps
from lading.cli.format import Field, label_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from lading.sdk.request import Document

    Table: TypeAlias = "tuple[str, list[Document], Mapping[str, Field], tuple[str, ...]]"

_IMAGE = ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize")
_CONTAINER = ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names")
_CACHE = ("ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared")


def tables(usage: Document, now: float) -> dict[str, Table]:
    """By kind: title, rows, fields and the columns of the table."""
    arguments = images.ImagesArguments()
    arguments.no_trunc = False
    found = usage.get("Images") or []
    rows = [row for image in found for row in images.rows_of(image, with_digests=False)]
    caches = usage.get("BuildCache") or []
    size = sum(cache["Size"] for cache in caches if not cache.get("Shared"))
    return {
        "Images": (
            "Images space usage:",
            rows,
            images.fields(now, arguments),
            (*_IMAGE, "Containers"),
        ),
        "Containers": (
            "Containers space usage:",
            # of a container only what it wrote itself counts
            [c | {"SizeRootFs": 0} for c in usage.get("Containers") or []],
            ps.fields(now, truncated=True),
            _CONTAINER,
        ),
        "Volumes": (
            "Local Volumes space usage:",
            usage.get("Volumes") or [],
            VOLUME,
            ("Name", "Links", "Size"),
        ),
        "BuildCache": (
            f"Build cache usage: {quantities.format_bytes(size)}",
            caches,
            _cache_fields(now),
            _CACHE,
        ),
    }


def _usage(volume: Document, key: str) -> int:
    found: int = (volume.get("UsageData") or {}).get(key, -1)
    return found


def _volume_size(volume: Document) -> str:
    size = _usage(volume, "Size")
    return "N/A" if size < 0 else quantities.format_bytes(size)


VOLUME = {
    "Driver": Field("DRIVER", lambda volume: str(volume["Driver"])),
    "Label": Field("", lambda v, name: label_of(v.get("Labels") or {}, name), takes=1),
    "Labels": Field("LABELS", lambda v: ps.pairs(v.get("Labels") or {})),
    "Links": Field("LINKS", lambda volume: str(max(_usage(volume, "RefCount"), 0))),
    "Mountpoint": Field("MOUNTPOINT", lambda volume: str(volume.get("Mountpoint") or "")),
    "Name": Field("VOLUME NAME", lambda volume: str(volume["Name"])),
    "Scope": Field("SCOPE", lambda volume: str(volume.get("Scope") or "")),
    "Size": Field("SIZE", _volume_size),
}


def _cache_fields(now: float) -> dict[str, Field]:
    from lading.cli import timestamps

    def since(text: str | None) -> str:
        if not text or text == timestamps.ZERO:
            return ""
        age = now - timestamps.parse_rfc3339_ns(text) / 1_000_000_000
        return quantities.format_age(age) + " ago"

    return {
        "CacheType": Field("CACHE TYPE", lambda cache: str(cache["Type"])),
        "CreatedSince": Field("CREATED", lambda cache: since(cache.get("CreatedAt"))),
        "ID": Field("CACHE ID", lambda c: c["ID"][:12] + ("*" if c.get("InUse") else "")),
        "LastUsedSince": Field("LAST USED", lambda cache: since(cache.get("LastUsedAt"))),
        "Shared": Field("SHARED", lambda cache: str(bool(cache.get("Shared"))).lower()),
        "Size": Field("SIZE", lambda cache: quantities.format_bytes(cache["Size"])),
        "UsageCount": Field("USAGE", lambda cache: str(cache.get("UsageCount") or 0)),
    }
