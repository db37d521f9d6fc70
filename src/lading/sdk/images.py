"""Calls on images. Spec: Docker Engine API, tag Image; `from_host` is Lading's own."""

from __future__ import annotations

from lading.sdk.request import STREAMED, Request, encode_filters, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.sdk.client import RawStream
    from lading.sdk.request import Call, Document


def list_(
    *, all: bool = False, digests: bool = False, filters: Mapping[str, list[str]] | None = None
) -> Call[list[Document]]:
    query = {
        "all": all or None,
        "digests": digests or None,
        "filters": encode_filters(filters or {}),
    }
    response = yield Request("GET", "/images/json", query)
    found: list[Document] = response.json() or []
    return found


def inspect(name: str) -> Call[Document]:
    response = yield Request("GET", f"/images/{quote(name, '/:@')}/json")
    found: Document = response.json()
    return found


def history(name: str) -> Call[list[Document]]:
    response = yield Request("GET", f"/images/{quote(name, '/:@')}/history")
    layers: list[Document] = response.json() or []
    return layers


def pull(repository: str, tag: str, *, platform: str = "") -> Call[RawStream]:
    """A stream of progress documents. `tag` may be a digest; "" pulls every tag."""
    query = {"fromImage": repository, "tag": tag or None, "platform": platform or None}
    response = yield Request("POST", "/images/create", query, answer=STREAMED)
    return response.opened()


def load(archive: Iterable[bytes], *, quiet: bool = False, platform: str = "") -> Call[RawStream]:
    """A stream of progress documents."""
    query = {"quiet": quiet, "platform": platform or None}
    response = yield Request("POST", "/images/load", query, chunks=archive, answer=STREAMED)
    return response.opened()


def tag(source: str, *, repository: str, tag: str) -> Call[None]:
    query = {"repo": repository, "tag": tag or None}
    yield Request("POST", f"/images/{quote(source, '/:@')}/tag", query)


def remove(name: str, *, force: bool = False, no_prune: bool = False) -> Call[list[Document]]:
    """What went: `{"Untagged": reference}` and `{"Deleted": id}`."""
    query = {"force": force or None, "noprune": no_prune or None}
    response = yield Request("DELETE", f"/images/{quote(name, '/:@')}", query)
    removed: list[Document] = response.json() or []
    return removed


def from_host(tag: str, tools: list[str]) -> Call[RawStream]:
    """Assemble an image of the host's own tools; a stream of progress documents."""
    document = {"tag": tag, "tools": tools}
    response = yield Request(
        "POST", "/lading/images/from-host", document=document, answer=STREAMED, versioned=False
    )
    return response.opened()
