"""What a log driver is that sends a container's output elsewhere, and how one is found.

A driver never sees the container. It is fed from the segments by a `Shipment`, which knows how far
it has come, also after a restart of the engine: the segments are the buffer, so a sink that is
slow, down or stuck costs disk, and neither the container nor its stop or removal waits for it.

    check(options)         raises InvalidArgument for what cannot be meant; reaches for nothing
    open(place)            makes a sink; raises SinkDown, and is called again later
    sink.send(chunks)      delivers all of them, in order, or raises SinkDown: then they come again
    sink.close()           lets go; what was sent stays delivered

`send` may be called again with chunks that have arrived already, when an answer was lost: a line is
delivered at least once. It may be cancelled at any time. The suite that every driver passes is
`tests/contract/logs`.
"""

from collections.abc import Container, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple, Protocol

from lading.errors import InvalidArgument, Unavailable
from lading.logs.tag import TagSource, render

BUILT_IN = {  # loaded when first asked for
    "json-lines": "lading.logs.drivers.json_lines",
    **{name: f"lading.logs.drivers.{name}" for name in ("fluentd", "gelf", "journald", "syslog")},
}
COMMON = frozenset({"labels", "labels-regex", "env", "env-regex", "tag"})  # options of every driver
DEFAULT_TAG = "{{.ID}}"  # moby, daemon/logger/loggerutils/log_tag.go


class UnknownOption(InvalidArgument):
    """unknown log opt '{0}' for {1}"""


class SinkDown(Unavailable):
    """the log cannot be sent now: {0}"""


class Chunk(NamedTuple):
    """Whole lines of one stream (1 stdout, 2 stderr) that began at the same time; or, without a
    line feed at its end, a part of a line that is very long or was never ended.
    """

    stream: int
    time_ns: int
    text: bytes


class Place(NamedTuple):
    """Whose log it is, and where the engine keeps files for this container."""

    source: TagSource
    directory: str
    options: Mapping[str, str]
    attributes: Mapping[str, str]

    @property
    def tag(self) -> str:
        """What the option `tag` makes of it."""
        return render(self.options.get("tag") or DEFAULT_TAG, self.source)


class Sink(Protocol):
    """The open end of a driver for one container."""

    async def send(self, chunks: Sequence[Chunk]) -> None: ...
    async def close(self) -> None: ...


class Driver(Protocol):
    """One kind of destination."""

    def check(self, options: Mapping[str, str]) -> None: ...
    async def open(self, place: Place) -> Sink: ...


def find(name: str) -> Driver:
    """A built-in driver by its name. Raises KeyError."""
    driver: Driver = import_module(BUILT_IN[name]).DRIVER
    return driver


def check_names(options: Mapping[str, str], known: Container[str], of: str) -> None:
    """Raises UnknownOption."""
    for name in options:
        if name not in known:
            raise UnknownOption(name, of)
