"""Manifest lists that are being put together: files beside config.json, the same as docker's.

    DOCKER_CONFIG/manifests/<list>/<manifest>      {"Ref", "Descriptor", "Raw", "OCIManifest"}

`:` and `/` of the names are written as `-` and `_`, as docker does, so either command goes on with
what the other began. Each file is replaced by a rename: a kill leaves the old entry or the new one.
"""

from __future__ import annotations

import binascii
import os

from lading.cli import docker_config, references
from lading.cli.failures import Failure
from lading.sdk import images, json_text
from lading.sdk.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.cli.session import Session
    from lading.sdk.request import Document

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Lists:
    """The lists of one user."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._root = f"{docker_config.directory(session.environ)}/manifests"

    def entries(self, name: str) -> list[Document]:
        """The manifests of a list in docker's order, that of the file names; none if unknown."""
        folder = self._folder(name)
        try:
            files = sorted(os.listdir(folder))
        except FileNotFoundError:
            return []
        return [_read(f"{folder}/{file}") for file in files if not file.startswith(".")]

    def entry(self, name: str, manifest: str) -> Document | None:
        """One manifest of a list."""
        path = f"{self._folder(name)}/{_file_name(manifest)}"
        return _read(path) if os.path.exists(path) else None

    def save(self, name: str, document: Document) -> None:
        """Add a manifest to a list, or replace it."""
        folder = self._folder(name)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        temporary = f"{folder}/.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(json_text.dumps(document))
        os.rename(temporary, f"{folder}/{_file_name(str(document['Ref']))}")

    def remove(self, name: str) -> None:
        """Forget a list. Raises FileNotFoundError."""
        folder = self._folder(name)
        for file in os.listdir(folder):
            os.unlink(f"{folder}/{file}")
        os.rmdir(folder)

    def fetch(self, name: str, *, insecure: bool, deep: bool = False) -> Document:
        """A manifest of a registry, as a document of this store. Raises Failure."""
        auth = docker_config.header_for(name, self._session.environ)
        call = images.manifest(name, deep=deep, insecure=insecure, auth=auth)
        try:
            return to_stored(self._session.run(call))
        except ApiError as error:
            if error.status != 404:
                raise
            raise Failure(f"no such manifest: {references.familiar(name)}") from error

    def _folder(self, name: str) -> str:
        return f"{self._root}/{_file_name(name)}"


def to_stored(found: Document) -> Document:
    """What docker writes for a manifest; those of an index below "Manifests"."""
    document = {
        "Ref": references.complete(found["Ref"]),
        "Descriptor": found["Descriptor"],
        "Raw": found["Raw"],
    }
    if "Manifests" in found:
        document["Manifests"] = [to_stored(entry) for entry in found["Manifests"]]
    else:
        is_oci = found["Descriptor"]["mediaType"] == OCI_MANIFEST
        document["OCIManifest" if is_oci else "SchemaV2Manifest"] = json_text.loads(raw(document))
    return document


def raw(document: Document) -> bytes:
    """The manifest's own bytes."""
    return binascii.a2b_base64(document["Raw"])


def to_list(entries: list[Document]) -> Document:
    """The list as it will be pushed."""
    is_oci = any(entry["Descriptor"]["mediaType"] == OCI_MANIFEST for entry in entries)
    described = []
    for entry in entries:
        fields = dict(entry["Descriptor"])
        ordered = {name: fields.pop(name) for name in ("mediaType", "size", "digest")}
        described.append(ordered | fields)
    return {"schemaVersion": 2, "mediaType": INDEXES[0 if is_oci else 1], "manifests": described}


def _file_name(reference: str) -> str:
    return references.complete(reference).replace(":", "-").replace("/", "_")


def _read(path: str) -> Document:
    try:
        with open(path, encoding="utf-8") as file:
            document: Document = json_text.loads(file.read())
            return document
    except ValueError as error:
        raise Failure(f"{path}: {error}") from error
