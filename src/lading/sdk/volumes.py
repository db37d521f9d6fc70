"""Calls on volumes. Spec: Docker Engine API, tag Volume; some are Lading's own, and say so."""

from __future__ import annotations

from lading.sdk.request import Request, encode_filters, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.request import Call, Document


def create(
    name: str = "",
    *,
    driver: str = "",
    options: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Call[Document]:
    """The volume; without a name an anonymous one."""
    document: Document = {"Name": name, "Driver": driver}
    if options:
        document["DriverOpts"] = dict(options)
    if labels:
        document["Labels"] = dict(labels)
    response = yield Request("POST", "/volumes/create", document=document)
    made: Document = response.json()
    return made


def list_(filters: Mapping[str, list[str]] | None = None) -> Call[Document]:
    """`{"Volumes": [...], "Warnings": [...]}`."""
    response = yield Request("GET", "/volumes", {"filters": encode_filters(filters or {})})
    found: Document = response.json()
    return found


def remove(name: str, *, force: bool = False) -> Call[None]:
    yield Request("DELETE", f"/volumes/{quote(name)}", {"force": force or None})
