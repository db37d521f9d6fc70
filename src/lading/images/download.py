"""One blob from a registry, in one pass: into the content store, and to whoever reads it.

The bytes go through memory once: socket -> ingest file and digest -> the reader. A blob that was
begun earlier is completed first and then read from the file.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from lading.errors import LadingError
from lading.images import progress as texts
from lading.images.progress import LayerProgress
from lading.oci.manifest import Descriptor
from lading.registry.client import Cancellation, Repository
from lading.registry.client.blob_reader import BlobReader
from lading.registry.client.retry import RetryPolicy
from lading.storage.content import ContentStore, DigestMismatch, Ingest
from lading.storage.layers import Source

BLOCK_BYTES = 256 * 1024


class Downloader:
    """Blobs of one repository."""

    def __init__(
        self,
        content: ContentStore,
        repository: Repository,
        *,
        policy: RetryPolicy,
        cancellation: Cancellation,
    ) -> None:
        self._content = content
        self._repository = repository
        self._policy = policy
        self._cancellation = cancellation

    @contextmanager
    def stream(self, blob: Descriptor, report: LayerProgress) -> Iterator[Source]:
        """A source of the blob's bytes while they arrive; the blob is stored at the end.

        Raises DigestMismatch there. On any other error the bytes stay for the next attempt.
        """
        report.status(texts.DOWNLOADING)
        with self._ingest(blob) as ingest:
            if ingest.offset:
                self._complete(ingest, blob, report)
                with self._stored(blob) as source:
                    yield source
                return
            with self._tee(ingest, blob, report) as tee:
                try:
                    yield tee
                except LadingError:
                    # what was received may be damaged: whether it is shows when it is complete
                    if ingest.offset == blob.size:
                        ingest.commit()
                    raise
            self._commit(ingest, report)

    def fetch(self, blob: Descriptor, report: LayerProgress) -> None:
        """Store the blob, unless it is here."""
        if not self._content.has(blob.digest):
            with self._ingest(blob) as ingest:
                self._complete(ingest, blob, report)

    def _ingest(self, blob: Descriptor) -> Ingest:
        return self._content.ingest(
            f"blob {blob.digest}", expected_digest=blob.digest, expected_size=blob.size
        )

    def _complete(self, ingest: Ingest, blob: Descriptor, report: LayerProgress) -> None:
        """Receive what is missing; if the old part was bad, once more from the start."""
        was_begun = ingest.offset > 0
        try:
            self._receive(ingest, blob, report)
        except DigestMismatch:
            if not was_begun:
                raise
            with self._ingest(blob) as anew:
                self._receive(anew, blob, report)

    def _receive(self, ingest: Ingest, blob: Descriptor, report: LayerProgress) -> None:
        with self._tee(ingest, blob, report) as tee:
            while tee.read(BLOCK_BYTES):
                pass
        self._commit(ingest, report)

    @contextmanager
    def _tee(self, ingest: Ingest, blob: Descriptor, report: LayerProgress) -> "Iterator[_Tee]":
        def on_retry(seconds: float, _: BaseException) -> None:
            report.status(f"Retrying in {max(1, round(seconds))} seconds")

        reader = BlobReader(
            self._repository,
            blob,
            cancellation=self._cancellation,
            offset=ingest.offset,
            policy=self._policy,
            on_retry=on_retry,
        )
        with ExitStack() as undo:
            undo.callback(reader.close)
            yield _Tee(reader.readinto, ingest, blob.size, report)

    def _commit(self, ingest: Ingest, report: LayerProgress) -> None:
        report.status(texts.VERIFYING)
        ingest.commit()
        report.status(texts.DOWNLOADED)

    @contextmanager
    def _stored(self, blob: Descriptor) -> Iterator[Source]:
        with open(self._content.open(blob.digest), "rb", buffering=0) as file:
            yield file


class _Tee:
    """A source that keeps in the ingest what it passes on."""

    def __init__(
        self,
        readinto: Callable[[memoryview], int],
        ingest: Ingest,
        total: int,
        report: LayerProgress,
    ) -> None:
        self._readinto = readinto
        self._ingest = ingest
        self._total = total
        self._report = report
        self._view = memoryview(bytearray(BLOCK_BYTES))

    def read(self, size: int, /) -> bytes:
        view = self._view[:size]
        count = self._readinto(view)
        if not count:
            return b""
        data = view[:count].tobytes()
        self._ingest.write(data)
        self._report.amount(texts.DOWNLOADING, self._ingest.offset, self._total)
        return data
