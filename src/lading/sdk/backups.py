"""Calls on backups of containers with their volumes. Lading's own, all of them."""

from __future__ import annotations

from lading.sdk.request import STREAMED, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.sdk.client import RawStream
    from lading.sdk.request import Call, Document


def create(container: str, *, pause: bool = True) -> Call[RawStream]:
    """The backup, a tar archive compressed with zstd."""
    query = {"container": container, "pause": "1" if pause else "0"}
    response = yield Request(
        "POST", "/lading/backups/create", query, answer=STREAMED, versioned=False
    )
    return response.opened()


def restore(
    archive: Iterable[bytes], *, name: str = "", volumes: list[str] | None = None
) -> Call[Document]:
    """`{"Id", "Container", "Image", "Volumes", "Warnings", ...}`; `volumes` are OLD=NEW."""
    query = {"name": name or None, "volume": volumes or []}
    response = yield Request(
        "POST", "/lading/backups/restore", query, chunks=archive, versioned=False
    )
    made: Document = response.json()
    return made


def verify(archive: Iterable[bytes]) -> Call[Document]:
    """`{"Container", "Image", "Created", "Frozen", "Volumes", "Members"}`."""
    response = yield Request("POST", "/lading/backups/verify", chunks=archive, versioned=False)
    found: Document = response.json()
    return found
