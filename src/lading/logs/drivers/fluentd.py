"""The fluentd driver: batches of records by the forward protocol, to fluentd or fluent-bit.

    [tag, [[time, record], ...], {"chunk": id}]      answered by {"ack": id} where that is asked

https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1 ("Forward Mode");
options and records are dockerd's: https://docs.docker.com/engine/logging/drivers/fluentd/
What dockerd's options of buffering, retrying and waiting for a connection say is checked, and has
no meaning here: the log is the buffer, and lines wait in it for as long as there is nobody.
"""

import asyncio
import base64
import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lading import quantities
from lading.errors import InvalidArgument
from lading.logs.driver import COMMON, Chunk, Place, Sink, SinkDown, check_names
from lading.logs.drivers import addresses
from lading.logs.drivers.addresses import Address
from lading.logs.drivers.outlets import CLOSED, Stream
from lading.logs.go_values import bool_of, unsigned_of
from lading.logs.messages import Message, Splitter
from lading.runtime.segments import STDOUT

FLAGS = ("fluentd-async", "fluentd-request-ack", "fluentd-sub-second-precision")
DURATIONS = ("fluentd-async-reconnect-interval", "fluentd-retry-wait", "fluentd-write-timeout")
NAMES = COMMON | {
    *("fluentd-address", "fluentd-buffer-limit", "fluentd-max-retries"),
    *FLAGS,
    *DURATIONS,
}
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 24224
ACK_S = 60.0  # a receiver that has not acknowledged a batch by then gets it again
EVENT_TIME = 0  # the protocol's extension type of a time with nanoseconds
MILLISECOND = 1_000_000
RECONNECT_NS = (100 * MILLISECOND, 10_000 * MILLISECOND)


class BadAddress(InvalidArgument):
    """invalid fluentd-address ({0}): {1}"""


class Fluentd:
    """The driver."""

    def check(self, options: Mapping[str, str]) -> None:
        """Raises InvalidArgument in dockerd's words."""
        check_names(options, NAMES, "fluentd log driver")
        if text := options.get("fluentd-buffer-limit"):
            quantities.parse_bytes(text)
        if text := options.get("fluentd-max-retries"):
            unsigned_of(text)
        for name in FLAGS:
            if text := options.get(name):
                bool_of(text)
        for name in DURATIONS:
            if text := options.get(name):
                _check_duration(name, text)
        parse_address(options.get("fluentd-address", ""))

    async def open(self, place: Place) -> Sink:
        """Raises SinkDown."""
        address = parse_address(place.options.get("fluentd-address", ""))
        is_secret = address.network == "tls"
        stream = await Stream.open(address, ssl.create_default_context() if is_secret else None)
        return ForwardSink(stream, place)


class ForwardSink:
    """One container's connection."""

    def __init__(self, outlet: Stream, place: Place) -> None:
        self._outlet = outlet
        self._tag = place.tag
        self._fixed = {
            **place.attributes,
            "container_id": place.source.id,
            "container_name": f"/{place.source.name}",
        }
        self._is_acked = _is_set(place.options, "fluentd-request-ack")
        self._is_precise = _is_set(place.options, "fluentd-sub-second-precision")
        self._splitter = Splitter()

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Raises SinkDown, also when a batch is not acknowledged."""
        entries = [self._entry(message) for message in self._splitter.feed(chunks)]
        batch: list[object] = [self._tag, entries]
        chunk = base64.b64encode(os.urandom(16)).decode()
        if self._is_acked:
            batch.append({"chunk": chunk})
        await self._outlet.send(msgspec.msgpack.encode(batch))
        if self._is_acked:
            await self._wait_ack(chunk)

    def _entry(self, message: Message) -> list[object]:
        record = {
            **self._fixed,
            "source": "stdout" if message.stream == STDOUT else "stderr",
            "log": message.text.decode(errors="replace"),
        }
        if part := message.part:
            record |= {
                "partial_message": "true",
                "partial_id": part.id,
                "partial_ordinal": str(part.ordinal),
                "partial_last": "true" if part.is_last else "false",
            }
        return [self._time(message.time_ns), record]

    def _time(self, time_ns: int) -> object:
        seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
        if not self._is_precise:
            return seconds
        packed = seconds.to_bytes(4, "big") + nanoseconds.to_bytes(4, "big")
        return msgspec.msgpack.Ext(EVENT_TIME, packed)

    async def _wait_ack(self, chunk: str) -> None:
        answer, received = b"", None
        try:
            async with asyncio.timeout(ACK_S):
                while received is None:
                    data = await self._outlet.reader.read(4096)
                    if not data:
                        raise SinkDown(CLOSED)
                    answer += data
                    received = _decoded(answer)
        except (OSError, TimeoutError) as error:
            raise SinkDown("no acknowledgement") from error
        if not isinstance(received, dict) or received.get("ack") != chunk:
            raise SinkDown("the receiver acknowledged something else")

    async def close(self) -> None:
        """Let the connection go."""
        await self._outlet.close()


def _decoded(data: bytes) -> Any:
    """None while it is not whole."""
    try:
        return msgspec.msgpack.decode(data)
    except msgspec.DecodeError:
        return None


def _is_set(options: Mapping[str, str], name: str) -> bool:
    return bool(options.get(name)) and bool_of(options[name])


def _check_duration(name: str, text: str) -> None:
    try:
        duration = quantities.parse_duration_ns(text)
    except InvalidArgument as error:
        if name == "fluentd-retry-wait":
            raise
        kind = "value must be a duration: " if name == "fluentd-write-timeout" else ""
        raise InvalidArgument(f"invalid value for {name}: {kind}{error}") from error
    if name == "fluentd-write-timeout" and duration < 0:
        raise InvalidArgument(
            f"invalid value for {name}: value must be a duration that is non-negative"
        )
    first, last = RECONNECT_NS
    if name == "fluentd-async-reconnect-interval" and not first <= duration <= last:
        told = quantities.format_duration_ns(duration)
        raise InvalidArgument(
            f'invalid value for {name}: value ("{told}") must be between 100ms and 10s'
        )


def parse_address(text: str) -> Address:
    """`host:24224`, `tls://host`, `unix:///path`; nothing is this host's. Raises BadAddress."""
    if not text:
        return Address("tcp", DEFAULT_HOST, DEFAULT_PORT)
    try:
        url = addresses.parse(text if "://" in text else f"tcp://{text}")
    except InvalidArgument as error:
        raise BadAddress(text, error) from error
    if url.scheme == "unix":
        if not url.path.strip("/"):
            raise BadAddress(text, "path is empty")
        return Address("unix", url.path)
    if url.scheme not in ("tcp", "tls"):
        raise BadAddress(text, f"unsupported scheme: '{url.scheme}'")
    if url.path:
        raise BadAddress(text, "should not contain a path element")
    return Address(url.scheme, url.host or DEFAULT_HOST, url.port or DEFAULT_PORT)


DRIVER = Fluentd()
