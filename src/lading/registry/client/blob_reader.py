"""Reading one blob to its end over as many connections as that takes.

A cut or stalled connection is followed by a Range request from where it stopped. A registry that
ignores ranges is read from the start again, and what is known is skipped.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from lading.errors import LadingError
from lading.oci.manifest import Descriptor
from lading.registry.client import errors
from lading.registry.client.cancellation import Cancellation
from lading.registry.client.repository import Repository
from lading.registry.client.response import Response
from lading.registry.client.retry import RetryPolicy

PROGRESS = 1024 * 1024  # so many bytes later, a failure counts as the first again
SMALLEST, LARGEST = 16 * 1024, 1024 * 1024  # bytes asked of the connection at once
QUICK_S, SLOW_S = 0.02, 0.1  # a read that takes less is doubled, one that takes more is halved


def _ignore_retry(seconds: float, error: BaseException) -> None:
    """Nobody wants to know."""


class BlobReader:
    """The bytes of a blob from `offset` on. `readinto` blocks, and gives 0 at the blob's end."""

    def __init__(
        self,
        repository: Repository,
        descriptor: Descriptor,
        *,
        cancellation: Cancellation,
        offset: int = 0,
        policy: RetryPolicy | None = None,
        on_retry: Callable[[float, BaseException], None] = _ignore_retry,
    ) -> None:
        self.offset = offset
        self._repository = repository
        self._descriptor = descriptor
        self._cancellation = cancellation
        self._policy = policy or RetryPolicy()
        self._on_retry = on_retry
        self._response: Response | None = None
        self._failures = 0
        self._failed_at = offset
        self._block = SMALLEST

    def readinto(self, view: memoryview) -> int:
        """Read some bytes into the view. Raises the last error when the attempts are used up."""
        left = self._descriptor.size - self.offset
        while left > 0:
            try:
                count = self._read(view[: min(left, self._block)])
                self.offset += count
                return count
            except (OSError, *errors.TRANSIENT) as error:
                self._cancellation.check()
                self._recover(error)
        self.close()
        return 0

    def close(self) -> None:
        """Give the connection up."""
        response, self._response = self._response, None
        if response:
            with suppress(OSError):
                response.close()

    def _read(self, view: memoryview) -> int:
        if self._response is None:
            self._response = self._open()
        began = time.monotonic()
        count = self._response.readinto(view)
        taken_s = time.monotonic() - began
        self._cancellation.check()
        if not count:
            raise errors.Truncated(self._descriptor.digest, self.offset, self._descriptor.size)
        if taken_s < QUICK_S:
            self._block = min(self._block * 2, LARGEST)
        elif taken_s > SLOW_S:  # progress is to be seen several times a second
            self._block = max(self._block // 2, SMALLEST)
        return count

    def _open(self) -> Response:
        response, start = self._repository.open_blob(self._descriptor, self.offset)
        skipped = memoryview(bytearray(LARGEST if start < self.offset else 0))
        try:
            while start < self.offset:
                count = response.readinto(skipped[: self.offset - start])
                self._cancellation.check()
                if not count:
                    raise errors.Truncated(self._descriptor.digest, start, self._descriptor.size)
                start += count
        except BaseException:
            response.close()
            raise
        return response

    def _recover(self, error: BaseException) -> None:
        """Close, wait, and let the caller try again; or raise when there were too many failures."""
        self.close()
        if self.offset - self._failed_at >= PROGRESS:
            self._failures = 0
        self._failures += 1
        self._failed_at = self.offset
        asked_s = error.retry_after_s if isinstance(error, errors.RegistryBusy) else None
        delay_s = self._policy.delay_s(self._failures, asked_s)
        if delay_s is None:
            if isinstance(error, LadingError):
                raise error
            size = self._descriptor.size
            raise errors.Truncated(self._descriptor.digest, self.offset, size) from error
        self._on_retry(delay_s, error)
        self._cancellation.sleep(delay_s)
