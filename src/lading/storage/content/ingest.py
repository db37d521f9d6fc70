"""One blob on its way in: written in pieces, resumable, published only when it is what was
promised.

    ingest/<id>/state     ref, expected digest and size (JSON), written before the first byte
    ingest/<id>/data      the bytes so far; the offset is the file's size, so nothing can disagree

`commit` verifies size, then digest, then fsync, rename, fsync of the directories. A blob that is
not what was promised is removed at once. `close` keeps the bytes for the next attempt.
"""

import json
import os
import secrets
from collections.abc import Callable
from typing import Self

from lading import errors
from lading.failpoints import fp
from lading.storage import durable
from lading.storage.content import digest as digests

REHASH_BYTES = 1 << 20


class DigestMismatch(errors.InvalidArgument):
    """digest mismatch: expected {0}, got {1}"""


class SizeMismatch(errors.InvalidArgument):
    """size mismatch: expected {0} bytes, got {1}"""


class Ingest:
    """A blob being written. Belongs to one thread; opened by ContentStore.ingest."""

    def __init__(
        self,
        directory: str,
        *,
        ref: str,
        expected_digest: str | None,
        expected_size: int | None,
        publish: Callable[[str, str], None],
        released: Callable[[], None],
    ) -> None:
        self.ref = ref
        self._directory = directory
        self._expected_digest = expected_digest
        self._expected_size = expected_size
        self._publish = publish
        self._released = released
        self._algorithm = digests.parse(expected_digest)[0] if expected_digest else "sha256"
        self._hash = digests.new_hash(self._algorithm)
        self._data = os.path.join(directory, "data")
        self._descriptor = self._open()
        self.offset = self._rehash()

    def write(self, chunk: bytes | memoryview) -> None:
        """Append. Raises SizeMismatch as soon as more came than promised, DiskFull; both abort."""
        size = self.offset + len(chunk)
        if self._expected_size is not None and size > self._expected_size:
            self.abort()
            raise SizeMismatch(self._expected_size, f"at least {size}")
        try:
            with durable.disk_errors(self.ref):
                durable.write_all(self._descriptor, chunk)
        except durable.DiskFull:
            self.abort()
            raise
        self._hash.update(chunk)
        self.offset = size

    def commit(self) -> str:
        """Publish the blob and return its digest; it is durable then.

        Raises SizeMismatch, DigestMismatch, DiskFull; then nothing of it is left.
        """
        try:
            actual = self._verify()
            fp("content.before-sync")
            with durable.disk_errors(self.ref):
                os.fsync(self._descriptor)
                fp("content.synced")
                self._publish(self._data, actual)
        except (errors.LadingError, OSError):
            self.abort()
            raise
        fp("content.published")
        self.abort()  # what is left: the state file and the directory
        return actual

    def close(self) -> None:
        """Stop here and keep the bytes: the next ingest of this ref goes on at `offset`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._released()

    def abort(self) -> None:
        """Stop and leave nothing. Does nothing after `close`, `commit` or `abort`."""
        if self._descriptor >= 0:
            remove(self._directory)
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _verify(self) -> str:
        if self._expected_size is not None and self.offset != self._expected_size:
            raise SizeMismatch(self._expected_size, self.offset)
        actual = f"{self._algorithm}:{self._hash.hexdigest()}"
        if self._expected_digest is not None and actual != self._expected_digest:
            raise DigestMismatch(self._expected_digest, actual)
        return actual

    def _open(self) -> int:
        """Open the data file; bytes that were promised to be another blob are dropped."""
        promise: dict[str, object] = {
            "ref": self.ref,
            "expected_digest": self._expected_digest,
            "expected_size": self._expected_size,
        }
        with durable.disk_errors(self.ref):
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            if _read_state(self._directory) != promise:
                _discard(self._data)
                _write_state(self._directory, promise)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            return os.open(self._data, flags, 0o600)

    def _rehash(self) -> int:
        """Hash what an earlier attempt left and return its length; too much of it is dropped."""
        size = os.fstat(self._descriptor).st_size
        if self._expected_size is not None and size > self._expected_size:
            os.ftruncate(self._descriptor, 0)
            return 0
        offset = 0
        while chunk := os.pread(self._descriptor, REHASH_BYTES, offset):
            self._hash.update(chunk)
            offset += len(chunk)
        return offset


def remove(directory: str) -> None:
    """Remove an ingest's directory, whatever part of it exists."""
    _discard(os.path.join(directory, "data"))
    for name in os.listdir(directory):
        _discard(os.path.join(directory, name))
    os.rmdir(directory)


def _discard(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _read_state(directory: str) -> object:
    try:
        with open(os.path.join(directory, "state"), "rb") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):  # none yet, or torn by a power cut: start anew
        return None


def _write_state(directory: str, promise: dict[str, object]) -> None:
    # Renamed, so a killed process leaves the old promise or the new one; not fsynced, because
    # a torn promise only costs the resume.
    temporary = os.path.join(directory, f"state.{secrets.token_hex(4)}")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(promise, file)
    os.rename(temporary, os.path.join(directory, "state"))
