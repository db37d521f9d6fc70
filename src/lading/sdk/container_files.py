"""Calls on the files of a container. Spec: Docker Engine API, ContainerArchive, Changes, Export."""

from __future__ import annotations

from lading.sdk.request import STREAMED, Request, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.sdk.client import RawStream
    from lading.sdk.request import Call, Document

_STAT_HEADER = "x-docker-container-path-stat"


def changes(name: str) -> Call[list[Document]]:
    """`{"Path", "Kind"}` each: 0 modified, 1 added, 2 deleted."""
    response = yield Request("GET", f"/containers/{quote(name)}/changes")
    found: list[Document] = response.json() or []
    return found


def export(name: str) -> Call[RawStream]:
    """The root file system as a tar archive."""
    response = yield Request("GET", f"/containers/{quote(name)}/export", answer=STREAMED)
    return response.opened()


def stat(name: str, path: str) -> Call[Document]:
    """`{"name", "size", "mode", "mtime", "linkTarget"}`; `mode` is Go's os.FileMode."""
    path_of = f"/containers/{quote(name)}/archive"
    response = yield Request("HEAD", path_of, {"path": path})
    return decode_stat(response.headers)


def read_archive(name: str, path: str) -> Call[tuple[RawStream, Document]]:
    """A tar archive of a file or directory, and what the path is."""
    path_of = f"/containers/{quote(name)}/archive"
    response = yield Request("GET", path_of, {"path": path}, answer=STREAMED)
    return response.opened(), decode_stat(response.headers)


def write_archive(
    name: str,
    path: str,
    archive: Iterable[bytes],
    *,
    keep_types: bool = True,
    copy_owners: bool = False,
) -> Call[None]:
    """Unpack a tar archive in a directory. `keep_types`: a directory never replaces a file."""
    query = {
        "path": path,
        "noOverwriteDirNonDir": "true" if keep_types else None,
        "copyUIDGID": "true" if copy_owners else None,
    }
    yield Request("PUT", f"/containers/{quote(name)}/archive", query, chunks=archive)


def decode_stat(headers: dict[str, str]) -> Document:
    """The header that tells of a path: JSON in base64."""
    import binascii

    from lading.sdk import json_text
    from lading.sdk.errors import ProtocolError

    try:
        found: Document = json_text.loads(binascii.a2b_base64(headers[_STAT_HEADER]))
    except (KeyError, ValueError) as error:
        raise ProtocolError("the engine did not say what the path is") from error
    return found
