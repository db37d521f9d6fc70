"""The content store: immutable blobs under their digest, and the ingests that bring them in.

    <root>/blobs/<algorithm>/<first two hex>/<hex>     complete, verified, durable; never rewritten
    <root>/ingest/<id>/{state,data}                    unfinished, see ingest.py

A name under blobs/ is a proof: it is made by a rename after fsync and verification. Which blobs are
still needed is not known here; the images room says what to delete.
"""

import hashlib
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from lading import errors
from lading.failpoints import fp
from lading.storage import durable
from lading.storage.content import digest as digests
from lading.storage.content import ingest as ingests
from lading.storage.content.ingest import Ingest


class BlobNotFound(errors.NotFound):
    """no such blob: {0}"""


class BlobTooLarge(errors.InvalidArgument):
    """blob {0} has {1} bytes, more than the {2} allowed here"""


class Blob(NamedTuple):
    """What `walk` tells of a blob."""

    digest: str
    size: int  # bytes
    modified_ns: int


class ContentStore:
    """Blobs under one root directory. Safe to call from several threads of one process."""

    def __init__(self, root: str) -> None:
        self._blobs = os.path.join(root, "blobs")
        self._ingests = os.path.join(root, "ingest")
        self._busy: set[str] = set()  # ingest directories that a thread holds
        self._lock = threading.Lock()
        for directory in (root, self._blobs, self._ingests):
            os.makedirs(directory, mode=0o700, exist_ok=True)

    def has(self, digest: str) -> bool:
        """Whether the blob is complete here."""
        return os.path.exists(self._path(digest))

    def size(self, digest: str) -> int:
        """Bytes of the blob. Raises BlobNotFound."""
        try:
            return os.stat(self._path(digest)).st_size
        except FileNotFoundError:
            raise BlobNotFound(digest) from None

    def open(self, digest: str) -> int:
        """A read-only descriptor of the blob, the caller's to close. Raises BlobNotFound."""
        try:
            return os.open(self._path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BlobNotFound(digest) from None

    def read_bytes(self, digest: str, limit: int) -> bytes:
        """The whole blob, when it has at most `limit` bytes. Raises BlobNotFound, BlobTooLarge."""
        with open(self.open(digest), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise BlobTooLarge(digest, size, limit)
            return file.read()

    def write_bytes(self, data: bytes) -> str:
        """Store bytes that are in memory (a config, a manifest) and return their sha256 digest."""
        digest = digests.of(data)
        if not self.has(digest):
            with self.ingest(digest, expected_digest=digest, expected_size=len(data)) as ingest:
                ingest.write(memoryview(data)[ingest.offset :])
                ingest.commit()
        return digest

    def ingest(
        self, ref: str, *, expected_digest: str | None = None, expected_size: int | None = None
    ) -> Ingest:
        """Begin or resume bringing a blob in; `ref` names the attempt across restarts.

        A second ingest of the same ref at the same time gets a directory of its own: both finish,
        the later one finds the blob there. Raises InvalidDigest, DiskFull.
        """
        if expected_digest is not None:
            digests.parse(expected_digest)
        directory = self._claim(hashlib.sha256(ref.encode()).hexdigest()[:32])
        try:
            return Ingest(
                directory,
                ref=ref,
                expected_digest=expected_digest,
                expected_size=expected_size,
                publish=self._publish,
                released=lambda: self._release(directory),
            )
        except BaseException:
            self._release(directory)
            raise

    def delete(self, digest: str) -> int:
        """Remove the blob and return its bytes; 0 when it was not there (deletion is
        idempotent).
        """
        path = self._path(digest)
        try:
            size = os.stat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            return 0
        fp("content.deleted")
        return size

    def walk(self) -> Iterator[Blob]:
        """Every complete blob, in no order; blobs that come and go meanwhile may be missed."""
        for algorithm in os.listdir(self._blobs):
            for shard in os.listdir(os.path.join(self._blobs, algorithm)):
                yield from _blobs_of(os.path.join(self._blobs, algorithm, shard), algorithm)

    def usage(self) -> tuple[int, int]:
        """Bytes and number of complete blobs."""
        sizes = [blob.size for blob in self.walk()]
        return sum(sizes), len(sizes)

    def drop_stale_ingests(self, older_than_s: float) -> int:
        """Remove unfinished ingests that nobody wrote to for so long; returns how many."""
        limit = time.time() - older_than_s
        dropped = 0
        for name in os.listdir(self._ingests):
            directory = os.path.join(self._ingests, name)
            with self._lock:  # nobody can claim it while it is being removed
                if directory not in self._busy and _last_write(directory) <= limit:
                    ingests.remove(directory)
                    dropped += 1
        return dropped

    def _claim(self, identity: str) -> str:
        directory = os.path.join(self._ingests, identity)
        with self._lock:
            if directory in self._busy:
                directory = f"{directory}.{secrets.token_hex(4)}"
            self._busy.add(directory)
        return directory

    def _release(self, directory: str) -> None:
        with self._lock:
            self._busy.discard(directory)

    def _publish(self, data: str, digest: str) -> None:
        """Give a verified, fsynced file its name, durably."""
        path = self._path(digest)
        shard = os.path.dirname(path)
        os.makedirs(shard, mode=0o700, exist_ok=True)
        if not os.path.exists(path):  # else another ingest was first; its bytes are the same
            os.chmod(data, stat.S_IRUSR)
            os.rename(data, path)
            fp("content.renamed")
        # All levels each time: 3 fsyncs of 0.1 ms, and no state to know which level is new.
        for directory in (shard, os.path.dirname(shard), self._blobs):
            durable.fsync_directory(directory)

    def _path(self, digest: str) -> str:
        algorithm, encoded = digests.parse(digest)
        return os.path.join(self._blobs, algorithm, encoded[:2], encoded)


def _blobs_of(shard: str, algorithm: str) -> Iterator[Blob]:
    with os.scandir(shard) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield Blob(f"{algorithm}:{entry.name}", status.st_size, status.st_mtime_ns)


def _last_write(directory: str) -> float:
    """Seconds since the epoch of the newest change in an ingest's directory."""
    times = [os.stat(directory).st_mtime]
    with os.scandir(directory) as entries:
        times += [entry.stat().st_mtime for entry in entries]
    return max(times)
