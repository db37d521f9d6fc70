"""One repository at one endpoint: manifests by tag or digest, blobs from any offset, its tags.

What comes back was checked: a manifest has the digest it was asked for, and at most 4 MiB.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urljoin

import msgspec
from msgspec import Struct

from lading.errors import NotFound
from lading.oci import digest as digests
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci.manifest import Descriptor, Index, Manifest
from lading.oci.reference import Reference
from lading.registry.client import errors
from lading.registry.client.response import Response
from lading.registry.client.session import ERROR_LIMIT, Session

ACCEPT = {"Accept": ", ".join(media_types.ACCEPTED)}
TAGS_LIMIT = 16 * 1024 * 1024  # bytes of one page of tags
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


class ManifestDamaged(errors.InvalidAnswer):
    """manifest verification failed for digest {0}"""


class BlobDiffers(errors.InvalidAnswer):
    """blob {0}: the registry has {1} bytes, the manifest says {2}"""


class FetchedManifest(NamedTuple):
    """A manifest or index as it came: what it is, its bytes, its meaning."""

    descriptor: Descriptor
    data: bytes
    parsed: Manifest | Index


class _Tags(Struct):
    tags: list[str] | None = None


class Repository:
    """Reads from one repository; may be used by several threads at once."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def reference(self) -> Reference:
        """What was asked for."""
        return self.session.access.reference

    def ping(self) -> None:
        """See that a registry answers, and get a token if it wants one. Raises Unreachable."""
        self.session.ping()

    def resolve(self, target: str) -> Descriptor:
        """What a tag or digest names now, without its bytes where the registry can tell so.

        Raises ManifestUnknown, AccessDenied, AuthenticationRequired, RegistryBusy, Unreachable.
        """
        with self._get("HEAD", f"manifests/{target}", ACCEPT) as response:
            digest = response.headers.get("Docker-Content-Digest", "")
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
            size = response.length
            if response.status == 200 and size and digests.is_digest(digest):
                return Descriptor(media_type, digest, size)
        return self.manifest(target).descriptor  # a GET has a body that says what is wrong

    def manifest(self, target: str) -> FetchedManifest:
        """The manifest or index at a tag or digest. Raises as `resolve`, and ManifestDamaged."""
        with self._get("GET", f"manifests/{target}", ACCEPT) as response:
            data = response.read_all(manifests.MANIFEST_LIMIT)
            self._check(response, data)
        announced = response.headers.get("Docker-Content-Digest", "")
        expected = target if digests.is_digest(target) else announced
        digest = expected if digests.is_digest(expected) else digests.of(data)
        if not digests.verifies(data, digest):
            raise ManifestDamaged(digest)
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        parsed = manifests.parse(data, media_type)
        media_type = manifests.media_type_of(parsed, media_type)
        return FetchedManifest(Descriptor(media_type, digest, len(data)), data, parsed)

    def tags(self) -> Iterator[str]:
        """Every tag, page by page. Raises RepositoryUnknown, AccessDenied ..."""
        url = self.session.url("tags/list")
        seen: set[str] = set()
        while url not in seen:
            seen.add(url)
            with self.session.request("GET", url) as response:
                data = response.read_all(TAGS_LIMIT)
                self._check(response, data)
            try:
                yield from msgspec.json.decode(data, type=_Tags).tags or ()
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise errors.InvalidAnswer(f"{url}: {error}") from error
            following = _NEXT.search(response.headers.get("Link", ""))
            if following:
                url = urljoin(url, following[1])

    def referrers(self, digest: str, *, artifact_type: str) -> list[Descriptor]:
        """What in the repository is about this digest (OCI distribution-spec 1.1, "Referrers").

        Only the first page: a registry filters by the type, or has little. Where there is no such
        API, the index that clients keep under a tag. Raises as `resolve`, but not ManifestUnknown.
        """
        query = {"artifactType": artifact_type}
        with self.session.request(
            "GET", self.session.url(f"referrers/{digest}", query)
        ) as response:
            data = response.read_all(manifests.MANIFEST_LIMIT)
            if response.status != 404:
                self._check(response, data)
                parsed = manifests.parse(data)
        if response.status == 404:
            try:
                parsed = self.manifest(digest.replace(":", "-")).parsed
            except NotFound:
                return []
        found = parsed.manifests if isinstance(parsed, Index) else []
        return [each for each in found if each.artifact_type in (None, artifact_type)]

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> tuple[Response, int]:
        """An open response and the offset at which its body begins (0 if ranges are ignored)."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        # a compressed transfer would neither have the blob's size nor its offsets
        headers["Accept-Encoding"] = "identity"
        response = self._get("GET", f"blobs/{descriptor.digest}", headers)
        try:
            if response.status >= 400:
                self._check(response, response.read_all(ERROR_LIMIT))
            start = _range_start(response) if response.status == 206 else 0
            length = response.length
            if length is not None and start + length != descriptor.size:
                raise BlobDiffers(descriptor.digest, start + length, descriptor.size)
            if start not in (0, offset):
                raise errors.InvalidAnswer(f"blob {descriptor.digest}: wrong range {start}-")
        except BaseException:
            response.close()
            raise
        return response, start

    def _get(self, method: str, path: str, headers: Mapping[str, str]) -> Response:
        return self.session.request(method, self.session.url(path), headers)

    def _check(self, response: Response, body: bytes) -> None:
        if response.status >= 300:
            raise self.session.error(response, body)


def _range_start(response: Response) -> int:
    """The first position of `Content-Range: bytes 5-9/10`; -1 when it cannot be read."""
    unit, _, span = response.headers.get("Content-Range", "").strip().partition(" ")
    first = span.partition("-")[0].strip()
    return int(first) if unit == "bytes" and first.isdecimal() else -1
