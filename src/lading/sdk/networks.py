"""Calls on networks. Spec: Docker Engine API, tag Network; prune and inspect are in `objects`."""

from __future__ import annotations

from lading.sdk.request import Request, encode_filters, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.request import Call, Document


def list_(filters: Mapping[str, list[str]] | None = None) -> Call[list[Document]]:
    response = yield Request("GET", "/networks", {"filters": encode_filters(filters or {})})
    found: list[Document] = response.json() or []
    return found


def inspect(name: str, *, verbose: bool = False, scope: str = "") -> Call[Document]:
    query = {"verbose": verbose or None, "scope": scope or None}
    response = yield Request("GET", f"/networks/{quote(name)}", query)
    found: Document = response.json()
    return found


def create(document: Document) -> Call[Document]:
    """`{"Id", "Warning"}`."""
    response = yield Request("POST", "/networks/create", document=document)
    made: Document = response.json()
    return made


def remove(name: str) -> Call[None]:
    yield Request("DELETE", f"/networks/{quote(name)}")


def connect(name: str, container: str, endpoint: Document | None = None) -> Call[None]:
    document = {"Container": container, "EndpointConfig": endpoint}
    yield Request("POST", f"/networks/{quote(name)}/connect", document=document)


def disconnect(name: str, container: str, *, force: bool = False) -> Call[None]:
    document = {"Container": container, "Force": force}
    yield Request("POST", f"/networks/{quote(name)}/disconnect", document=document)
