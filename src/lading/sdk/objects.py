"""Calls that are alike for every kind of object. Spec: Docker Engine API, `...Inspect`, prune."""

from __future__ import annotations

from lading.sdk.request import Request, encode_filters, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.request import Call, Document

_INSPECT = {
    "container": "/containers/{}/json",
    "image": "/images/{}/json",
    "network": "/networks/{}",
    "volume": "/volumes/{}",
}


def inspect(kind: str, name: str, *, size: bool = False) -> Call[Document]:
    """`kind` is container, image, network or volume; `size` is for containers."""
    path = _INSPECT[kind].format(quote(name, "/:@" if kind == "image" else ""))
    query = {"size": True} if size and kind == "container" else {}
    response = yield Request("GET", path, query)
    found: Document = response.json()
    return found


def prune(kind: str, filters: Mapping[str, list[str]] | None = None) -> Call[Document]:
    """Remove what is not used; `kind` is containers, images, networks, volumes or build.

    `{"SpaceReclaimed"}`, and what went under a name of the kind's own.
    """
    path = f"/{kind}/prune"
    response = yield Request("POST", path, {"filters": encode_filters(filters or {})})
    report: Document = response.json() or {}
    return report
