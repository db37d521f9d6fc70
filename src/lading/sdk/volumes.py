"""Calls on volumes. Spec: Docker Engine API, tag Volume; some are Lading's own, and say so."""

from __future__ import annotations

from lading.sdk.container_files import decode_stat
from lading.sdk.request import STREAMED, Request, encode_filters, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.sdk.client import RawStream
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


# --- Lading's own -----------------------------------------------------------------------------


def _own(name: str, verb: str) -> str:
    return f"/lading/volumes/{quote(name)}/{verb}"


def export(name: str, *, pause: bool = False) -> Call[RawStream]:
    """A volume as a tar archive; `pause` freezes the containers that have it meanwhile."""
    query = {"pause": pause or None}
    response = yield Request("GET", _own(name, "export"), query, answer=STREAMED, versioned=False)
    return response.opened()


def import_(name: str, archive: Iterable[bytes]) -> Call[Document]:
    """Fill a new or empty volume; the volume."""
    response = yield Request("POST", _own(name, "import"), chunks=archive, versioned=False)
    made: Document = response.json()
    return made


def clone(name: str, to: str, *, pause: bool = False, is_snapshot: bool = False) -> Call[Document]:
    """A copy under another name; the new volume."""
    query = {"to": to, "pause": pause or None, "snapshot": is_snapshot or None}
    response = yield Request("POST", _own(name, "clone"), query, versioned=False)
    made: Document = response.json()
    return made


def rename(name: str, to: str) -> Call[Document]:
    """The volume under its new name."""
    response = yield Request("POST", _own(name, "rename"), {"to": to}, versioned=False)
    made: Document = response.json()
    return made


def stat(name: str, path: str) -> Call[Document]:
    """What is at a path of a volume; as `container_files.stat`."""
    response = yield Request("HEAD", _own(name, "archive"), {"path": path}, versioned=False)
    return decode_stat(response.headers)


def read_archive(name: str, path: str) -> Call[tuple[RawStream, Document]]:
    """A tar archive of a file or directory of a volume, and what the path is."""
    query = {"path": path}
    response = yield Request("GET", _own(name, "archive"), query, answer=STREAMED, versioned=False)
    return response.opened(), decode_stat(response.headers)


def write_archive(
    name: str,
    path: str,
    archive: Iterable[bytes],
    *,
    keep_types: bool = True,
    copy_owners: bool = False,
) -> Call[None]:
    """Unpack a tar archive in a directory of a volume."""
    query = {"path": path}
    yield Request("PUT", _own(name, "archive"), query, chunks=archive, versioned=False)
