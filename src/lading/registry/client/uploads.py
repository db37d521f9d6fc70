"""Writing to a repository: blobs that it has not, then manifests that name them.

    HEAD blob                 it is there: nothing to do
    POST ?mount=D&from=R      201: the registry took it from another repository
                              202: it did not, and has opened an upload instead
    PATCH location            the bytes; after a broken connection from where the registry says
    PUT location?digest=D     the registry verifies

Source: OCI distribution-spec 1.1, "Push".
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode, urljoin

from lading.oci.manifest import Descriptor
from lading.registry.client import errors
from lading.registry.client.body import BytesBody, FileBody
from lading.registry.client.response import Response
from lading.registry.client.retry import RetryPolicy
from lading.registry.client.session import Session

OCTETS = "application/octet-stream"
# What an upload that the registry does not know (any more) is answered with; the others are what
# a Location that was cut off with its connection leads to.
LOST = frozenset({301, 307, 308, 404, 405, 416})
Sent = Callable[[int], None]


class UploadLost(errors.RegistryRefused):
    """blob upload unknown: the registry has forgotten {0}"""


class Uploads:
    """Writes to one repository; may be used by several threads at once."""

    def __init__(self, session: Session, policy: RetryPolicy) -> None:
        self._session = session
        self._policy = policy

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has the blob already."""
        with self._session.request("HEAD", self._session.url(f"blobs/{digest}")) as response:
            if response.status in (200, 404):
                return response.status == 200
            raise self._session.error(response, b"")

    def has_manifest(self, descriptor: Descriptor) -> bool:
        """Whether the repository has this manifest already."""
        url = self._session.url(f"manifests/{descriptor.digest}")
        with self._session.request("HEAD", url, {"Accept": descriptor.media_type}) as response:
            return response.status == 200

    def mount(self, digest: str, sources: Sequence[str]) -> str | None:
        """Take the blob from one of these repositories; returns which, None if none gave it."""
        for source in sources:
            query = {"mount": digest, "from": source}
            url = self._session.url("blobs/uploads/", query)
            with self._session.request("POST", url, body=BytesBody(b"")) as response:
                if response.status == 201:
                    return source
                if response.status == 202:
                    self._cancel(self._location(response))
                elif response.status not in (400, 401, 403, 404, 405):
                    raise self._session.error(response, response.read_all(1 << 20))
        return None

    def put_blob(self, blob: Descriptor, descriptor: int, sent: Sent) -> None:
        """Upload the file that the descriptor has open; `sent` hears the offset and may raise.

        Raises the last error when the attempts are used up, and for what is refused for good.
        """
        location, offset = "", 0
        failures = 0
        while True:
            try:
                location = location or self._begin()
                location = self._patch(location, blob, descriptor, offset, sent)
                self._finish(location, blob.digest)
                return
            except errors.TRANSIENT as error:
                failures += 1
                asked_s = error.retry_after_s if isinstance(error, errors.RegistryBusy) else None
                delay_s = self._policy.delay_s(failures, asked_s)
                if delay_s is None:
                    raise
                self._session.cancellation.sleep(delay_s)
            except UploadLost:
                failures += 1
                if self._policy.delay_s(failures) is None:
                    raise
            location, offset = self._resume(location, blob) if location else ("", 0)

    def put_manifest(self, target: str, media_type: str, data: bytes) -> None:
        """Store a manifest or index at a tag or digest."""
        url = self._session.url(f"manifests/{target}")
        headers = {"Content-Type": media_type}
        response = self._session.request("PUT", url, headers, body=BytesBody(data))
        self._session.check(response)

    def _begin(self) -> str:
        url = self._session.url("blobs/uploads/")
        response = self._session.request("POST", url, body=BytesBody(b""))
        self._session.check(response)
        return self._location(response)

    def _patch(
        self, location: str, blob: Descriptor, descriptor: int, offset: int, sent: Sent
    ) -> str:
        if offset == blob.size and offset:
            return location
        body = FileBody(descriptor, offset=offset, length=blob.size - offset, on_sent=sent)
        headers = {"Content-Type": OCTETS}
        if offset:
            headers["Content-Range"] = f"{offset}-{blob.size - 1}"
        response = self._session.request("PATCH", location, headers, body=body)
        if response.status in LOST:
            response.close()
            raise UploadLost(blob.digest)
        self._session.check(response)
        return self._location(response)

    def _finish(self, location: str, digest: str) -> None:
        url = location + ("&" if "?" in location else "?") + urlencode({"digest": digest})
        headers = {"Content-Type": OCTETS}
        response = self._session.request("PUT", url, headers, body=BytesBody(b""))
        if response.status in LOST:
            response.close()
            raise UploadLost(digest)
        self._session.check(response)

    def _resume(self, location: str, blob: Descriptor) -> tuple[str, int]:
        """Where to go on: the registry says how much it has; else from the start."""
        try:
            with self._session.request("GET", location) as response:
                response.read_all(1 << 20)
                last = response.headers.get("Range", "").rpartition("-")[2]
                if response.status == 204 and last.isdecimal():
                    # "0-0" stands for nothing as well as for one byte
                    offset = int(last) + 1 if int(last) else 0
                    if offset <= blob.size:
                        return self._location(response, location), offset
        except (*errors.TRANSIENT, UploadLost):
            pass
        return "", 0

    def _cancel(self, location: str) -> None:
        """Tell the registry that nothing comes; what it says to that changes nothing."""
        with self._session.request("DELETE", location) as response:
            response.read_all(1 << 20)

    def _location(self, response: Response, default: str = "") -> str:
        location = response.headers.get("Location", "") or default
        if not location:
            raise UploadLost(response.url)
        return urljoin(response.url, location)
