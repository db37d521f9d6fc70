"""Where an import's archive comes from when it is not in the request: a URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from lading.errors import InvalidArgument, SystemFault
from lading.images import progress as texts
from lading.images.progress import LayerProgress, Progress
from lading.registry.client import Cancellation, Registry
from lading.registry.client.response import Response
from lading.storage.layers import Source


class BadSource(InvalidArgument):
    """{0}: unsupported source for an import: only http and https are fetched"""


class DownloadFailed(SystemFault):
    """Got HTTP status code >= 400: {0}"""


class _Body:
    """A source of a response's body."""

    def __init__(self, response: Response, report: LayerProgress) -> None:
        self._response = response
        self._report = report
        self._count = 0

    def read(self, size: int, /) -> bytes:
        buffer = bytearray(size)
        count = self._response.readinto(memoryview(buffer))
        self._count += count
        self._report.amount(texts.DOWNLOADING, self._count, self._response.length or self._count)
        return bytes(buffer[:count])


@contextmanager
def fetched(
    registry: Registry, source: str, progress: Progress, cancellation: Cancellation
) -> Iterator[Source]:
    """The archive at a URL; a URL without a scheme is of http, as in Docker.

    Raises BadSource, DownloadFailed, Unreachable.
    """
    url = source if "://" in source else f"http://{source}"
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise BadSource(source)
    with registry.transport.request("GET", url, {}, cancellation=cancellation) as response:
        if response.status >= 400:
            raise DownloadFailed(response.status)
        progress({"status": f"Downloading from {url}"})
        report = LayerProgress("")
        report.listen(progress)
        yield _Body(response, report)
