"""Calls on commands run inside a container. Spec: Docker Engine API, tag Exec."""

from __future__ import annotations

from lading.sdk.request import HIJACKED, Request, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.sdk.client import RawStream
    from lading.sdk.request import Call, Document


def create(container: str, document: Document) -> Call[str]:
    """The id of the new exec; nothing runs yet."""
    response = yield Request("POST", f"/containers/{quote(container)}/exec", document=document)
    identity: str = response.json()["Id"]
    return identity


def start(exec_id: str, document: Document) -> Call[RawStream]:
    """Run it attached: the raw connection, multiplexed unless it has a terminal."""
    path = f"/exec/{quote(exec_id)}/start"
    response = yield Request("POST", path, document=document, answer=HIJACKED)
    return response.opened()


def start_detached(exec_id: str, document: Document) -> Call[None]:
    yield Request("POST", f"/exec/{quote(exec_id)}/start", document=document)


def resize(exec_id: str, *, height: int, width: int) -> Call[None]:
    yield Request("POST", f"/exec/{quote(exec_id)}/resize", {"h": height, "w": width})


def inspect(exec_id: str) -> Call[Document]:
    response = yield Request("GET", f"/exec/{quote(exec_id)}/json")
    found: Document = response.json()
    return found
