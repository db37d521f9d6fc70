"""The gelf driver: each line a JSON document for Graylog, by udp (compressed, in chunks) or tcp.

https://go2docs.graylog.org/current/getting_in_log_data/gelf.html for the format;
https://docs.docker.com/engine/logging/drivers/gelf/ for options and the names of extra fields.
"""

import gzip
import os
import socket
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from lading.errors import InvalidArgument
from lading.logs.driver import COMMON, Chunk, Place, Sink, UnknownOption
from lading.logs.drivers import addresses
from lading.logs.drivers.addresses import Address
from lading.logs.drivers.outlets import Datagrams, Stream
from lading.logs.lines import format_time
from lading.logs.messages import Message, Splitter
from lading.runtime.segments import STDERR

OF_UDP = ("gelf-compression-type", "gelf-compression-level")
OF_TCP = ("gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay")
NAMES = COMMON | {"gelf-address", *OF_UDP, *OF_TCP}
ERROR, INFORMATION = 3, 6  # severities of syslog(3)
CHUNK_SIZE = 1420  # of a datagram, with its head: fits into every MTU
CHUNK_HEAD = b"\x1e\x0f"
CHUNKS = 128  # a message may have so many
LEVELS = range(-1, 10)  # of zlib


class GelfOption(UnknownOption):
    """unknown log opt "{0}" for gelf log driver"""


class Gelf:
    """The driver."""

    def check(self, options: Mapping[str, str]) -> None:
        """Raises InvalidArgument in dockerd's words."""
        for name in options:
            if name not in NAMES:
                raise GelfOption(name)
        network = parse_address(options.get("gelf-address", "")).network
        for name in OF_UDP:
            if network != "udp" and name in options:
                raise InvalidArgument("compression is only supported on UDP")
        for name in OF_TCP:
            if name in options:
                _check_of_tcp(name, options[name], network)
        compressor(options)

    async def open(self, place: Place) -> Sink:
        """Raises SinkDown."""
        address = parse_address(place.options["gelf-address"])
        head = head_of(fields_of(place))
        if address.network == "tcp":
            return GelfStream(await Stream.open(address), head)
        return GelfDatagrams(await Datagrams.open(address), head, compressor(place.options))


class GelfStream:
    """Documents with a zero byte after each."""

    def __init__(self, outlet: Stream, head: bytes) -> None:
        self._outlet = outlet
        self._head = head
        self._splitter = Splitter()

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Raises SinkDown."""
        messages = _texts(self._splitter.feed(chunks))
        data = [document(self._head, message) + b"\0" for message in messages]
        await self._outlet.send(b"".join(data))

    async def close(self) -> None:
        """Let the connection go."""
        await self._outlet.close()


class GelfDatagrams:
    """Documents in one datagram each, or in several when they are large."""

    def __init__(
        self,
        outlet: Datagrams,
        head: bytes,
        compress: Callable[[bytes], bytes],
    ) -> None:
        self._outlet = outlet
        self._head = head
        self._compress = compress
        self._splitter = Splitter()

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Raises SinkDown."""
        for message in _texts(self._splitter.feed(chunks)):
            data = self._compress(document(self._head, message))
            await self._outlet.send(datagrams(data, os.urandom(8)))

    async def close(self) -> None:
        """Let the socket go."""
        await self._outlet.close()


def _texts(messages: Iterator[Message]) -> Iterator[Message]:
    """Without the empty ones: a document must have a message."""
    return (message for message in messages if message.text)


def datagrams(data: bytes, message_id: bytes) -> list[bytes]:
    """A document as what is sent; each chunk has magic bytes, id, its number and their count."""
    if len(data) <= CHUNK_SIZE:
        return [data]
    size = CHUNK_SIZE - len(CHUNK_HEAD) - len(message_id) - 2
    pieces = [data[start : start + size] for start in range(0, len(data), size)][:CHUNKS]
    head = CHUNK_HEAD + message_id
    return [head + bytes((n, len(pieces))) + piece for n, piece in enumerate(pieces)]


def document(head: bytes, message: Message) -> bytes:
    """One line as GELF 1.1. `head` is what every document begins with: see `head_of`."""
    text = msgspec.json.encode(message.text.decode(errors="replace"))
    seconds, rest_ns = divmod(message.time_ns, 1_000_000_000)
    level = ERROR if message.stream == STDERR else INFORMATION
    tail = (head, text, seconds, rest_ns // 1_000_000, level)
    return b'%s"short_message":%s,"timestamp":%d.%03d,"level":%d}' % tail


def head_of(fixed: Mapping[str, object]) -> bytes:
    """The fields of every document, encoded once, open for more."""
    return msgspec.json.encode(fixed)[:-1] + b","


def fields_of(place: Place) -> dict[str, object]:
    """What every document of a container has; additional fields begin with `_`."""
    source = place.source
    chosen = {f"_{name.removeprefix('_')}": value for name, value in place.attributes.items()}
    return {
        "version": "1.1",
        "host": socket.gethostname(),
        **chosen,
        "_container_id": source.id,
        "_container_name": source.name,
        "_image_id": source.image_id,
        "_image_name": source.image_name,
        "_command": source.command,
        "_tag": place.tag,
        "_created": format_time(source.created_ns),
    }


def compressor(options: Mapping[str, str]) -> Callable[[bytes], bytes]:
    """What the compression options ask for: gzip at level 1, as dockerd. Raises InvalidArgument."""
    kind = options.get("gelf-compression-type", "gzip")
    text = options.get("gelf-compression-level", "1")
    if kind not in ("gzip", "zlib", "none"):
        raise BadGelfValue(kind, "gelf-compression-type")
    try:
        level = int(text)
    except ValueError:
        level = LEVELS.stop
    if level not in LEVELS:
        raise BadGelfValue(text, "gelf-compression-level")
    if kind == "none":
        return bytes
    if kind == "zlib":
        return lambda data: zlib.compress(data, level)
    return lambda data: gzip.compress(data, 6 if level < 0 else level, mtime=0)


class BadGelfValue(InvalidArgument):
    """unknown value "{0}" for log opt "{1}" for gelf log driver"""


def _check_of_tcp(name: str, value: str, network: str) -> None:
    if network != "tcp":
        raise InvalidArgument(f'"{name}" is only valid for TCP')
    if not (value.isascii() and value.isdigit()):
        raise InvalidArgument(f'"{name}" must be a positive integer')


def parse_address(text: str) -> Address:
    """`udp://host:12201`. Raises InvalidArgument."""
    if not text:
        raise InvalidArgument("gelf-address is a required parameter")
    url = addresses.parse(text)
    if url.scheme not in ("tcp", "udp"):
        raise InvalidArgument("gelf: endpoint needs to be TCP or UDP")
    if not url.port:
        raise InvalidArgument("gelf: please provide gelf-address as proto://host:port")
    return Address(url.scheme, url.host or "127.0.0.1", url.port)


DRIVER = Gelf()
