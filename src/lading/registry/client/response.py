"""A response of a registry whose body is not read yet.

Bodies are read with `readinto` into the caller's buffer: big reads are what makes a pull cheap.
"""

import http.client
from collections.abc import Callable

from lading.registry.client.dial import explain
from lading.registry.client.errors import InvalidAnswer, Unreachable

Release = Callable[[bool], None]  # told whether the body was read to its end


class Response:
    """A response whose body is not read yet. Close it in every case."""

    def __init__(self, raw: http.client.HTTPResponse, url: str, release: Release) -> None:
        self._raw = raw
        self._release: Release | None = release
        self.url = url
        self.status = raw.status
        self.headers = raw.headers
        self._kept: bytes | None = None

    @property
    def length(self) -> int | None:
        """Content-Length, None when the sender did not say."""
        value = self.headers.get("Content-Length", "")
        return int(value) if value.isdecimal() else None

    def readinto(self, view: memoryview) -> int:
        """Fill the view as far as the body goes; 0 is its end, whole or cut. Raises OSError."""
        try:
            return self._raw.readinto(view)
        except http.client.HTTPException as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    def read_all(self, limit: int) -> bytes:
        """The whole body. Raises InvalidAnswer when longer than `limit` bytes or cut."""
        if self._kept is not None:
            return self._kept
        try:
            data = self._raw.read(limit + 1)
        except (http.client.HTTPException, OSError) as error:
            raise Unreachable("Get", self.url, explain(error)) from error
        if len(data) > limit:
            raise InvalidAnswer(f"{self.url}: response larger than {limit} bytes")
        return data

    def keep(self, body: bytes) -> None:
        """`read_all` gives this from now on: somebody had to read it before."""
        self._kept = body

    def close(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        release, self._release = self._release, None
        if release:
            is_complete = self._raw.isclosed()
            self._raw.close()
            release(is_complete)

    def __enter__(self) -> "Response":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
