"""One repository at one endpoint: manifests by tag or digest, blobs from any offset.

What comes back was checked: a manifest has the digest it was asked for, and at most 4 MiB.
"""

import threading
from collections.abc import Mapping
from typing import NamedTuple

from lading.oci import digest as digests
from lading.oci import manifest as manifests
from lading.oci import media_types
from lading.oci.manifest import Descriptor, Index, Manifest
from lading.oci.reference import Reference
from lading.registry.client import challenge as challenges
from lading.registry.client import errors
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.endpoints import Endpoint
from lading.registry.client.tokens import Authorize
from lading.registry.client.transport import Response, Transport

ERROR_LIMIT = 1024 * 1024  # bytes of an error body that are read
ACCEPT = {"Accept": ", ".join(media_types.ACCEPTED)}


class ManifestDamaged(errors.InvalidAnswer):
    """manifest verification failed for digest {0}"""


class BlobDiffers(errors.InvalidAnswer):
    """blob {0}: the registry has {1} bytes, the manifest says {2}"""


class FetchedManifest(NamedTuple):
    """A manifest or index as it came: what it is, its bytes, its meaning."""

    descriptor: Descriptor
    data: bytes
    parsed: Manifest | Index


class Repository:
    """Reads from one repository; may be used by several threads at once."""

    def __init__(
        self,
        reference: Reference,
        endpoint: Endpoint,
        *,
        transport: Transport,
        authorize: Authorize,
        cancellation: Cancellation,
    ) -> None:
        self.reference = reference
        self.endpoint = endpoint
        self._transport = transport
        self._authorize = authorize
        self._cancellation = cancellation
        self._lock = threading.Lock()
        self._authorization: str | None = None

    def ping(self) -> None:
        """See that a registry answers, and get a token if it wants one. Raises Unreachable."""
        with self._send("GET", f"{self.endpoint.url}/v2/", {}) as response:
            body = response.read_all(ERROR_LIMIT)
            if response.status == 401:
                self._answer(response, body, stale=None)
            elif response.status == 429 or response.status >= 500:
                raise errors.from_response(response.status, response.headers, body, self.reference)

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
        """A request within the repository; a challenge is answered once."""
        url = f"{self.endpoint.url}/v2/{self.reference.path}/{path}"
        authorization = self._authorization
        response = self._send(method, url, headers, authorization)
        if response.status != 401:
            return response
        with response:
            body = b"" if method == "HEAD" else response.read_all(ERROR_LIMIT)
            if not self._answer(response, body, stale=authorization):
                return response
        return self._send(method, url, headers, self._authorization)

    def _answer(self, response: Response, body: bytes, *, stale: str | None) -> bool:
        """Get another Authorization value than the stale one, once for all threads."""
        with self._lock:
            if self._authorization != stale:
                return True
            offered = challenges.parse(response.headers.get("WWW-Authenticate", ""))
            value = self._authorize(offered, self.reference, self._cancellation)
            if value is None and any(challenge.scheme == "basic" for challenge in offered):
                raise errors.AuthenticationRequired("no basic auth credentials")
            self._authorization = value
            return value is not None

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], authorization: str | None = None
    ) -> Response:
        if authorization:
            headers = {**headers, "Authorization": authorization}
        verify = self.endpoint.verify
        return self._transport.request(
            method, url, headers, verify=verify, cancellation=self._cancellation
        )

    def _check(self, response: Response, body: bytes) -> None:
        if response.status >= 300:
            raise errors.from_response(response.status, response.headers, body, self.reference)


def _range_start(response: Response) -> int:
    """The first position of `Content-Range: bytes 5-9/10`; -1 when it cannot be read."""
    unit, _, span = response.headers.get("Content-Range", "").strip().partition(" ")
    first = span.partition("-")[0].strip()
    return int(first) if unit == "bytes" and first.isdecimal() else -1
