"""Calls on the engine itself. Spec: Docker Engine API, tag System; `check` is Lading's own."""

from __future__ import annotations

from lading.sdk.request import STREAMED, Request, encode_filters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.client import RawStream
    from lading.sdk.request import Call, Document


def ping() -> Call[None]:
    yield Request("GET", "/_ping", versioned=False)


def version() -> Call[Document]:
    response = yield Request("GET", "/version")
    found: Document = response.json()
    return found


def info() -> Call[Document]:
    response = yield Request("GET", "/info")
    found: Document = response.json()
    return found


def events(
    *, since: str = "", until: str = "", filters: Mapping[str, list[str]] | None = None
) -> Call[RawStream]:
    """A stream of event documents; endless unless `until`."""
    query = {
        "since": since or None,
        "until": until or None,
        "filters": encode_filters(filters or {}),
    }
    response = yield Request("GET", "/events", query, answer=STREAMED)
    return response.opened()


def check() -> Call[list[Document]]:
    """The audit's findings, `{"kind", "name", "detail"}` each; none when all is well."""
    response = yield Request("GET", "/lading/system/check", versioned=False)
    findings: list[Document] = response.json()["findings"] or []
    return findings


def disk_usage(types: list[str] | None = None) -> Call[Document]:
    """`{"Images", "Containers", "Volumes", "BuildCache", "LayersSize"}`; `types` picks some."""
    response = yield Request("GET", "/system/df", {"type": types or None})
    found: Document = response.json()
    return found
