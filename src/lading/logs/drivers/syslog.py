"""The syslog driver: each line a message of RFC 3164 or RFC 5424, by udp, tcp, TLS or unix socket.

Formats and options are dockerd's, except that a message bears the time of its line, not that of its
sending, and that a receiver which is down does not keep the container from its start.
https://docs.docker.com/engine/logging/drivers/syslog/
"""

import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence

from lading.errors import InvalidArgument
from lading.logs.driver import COMMON, Chunk, Place, Sink, SinkDown, check_names
from lading.logs.drivers import addresses
from lading.logs.drivers.addresses import Address
from lading.logs.drivers.outlets import Datagrams, Stream
from lading.logs.messages import Message, Splitter
from lading.runtime.segments import STDERR

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "", "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
)  # fmt: skip  # RFC 5424, table 1; 12 to 15 have no name in syslog.h
FORMATS = ("", "rfc3164", "rfc5424", "rfc5424micro")
TLS_OPTIONS = {f"syslog-tls-{name}" for name in ("ca-cert", "cert", "key", "skip-verify")}
NAMES = COMMON | {"syslog-address", "syslog-facility", "syslog-format"} | TLS_OPTIONS
DEFAULT_PORT = 514
DEFAULT_FACILITY = 3  # daemon
ERROR, INFORMATION = 3, 6  # severities
LOCAL_SOCKETS = ("/dev/log", "/var/run/syslog", "/var/run/log")
NETWORKS = ("tcp", "udp", "tcp+tls")
Format = Callable[[int, Message], bytes]  # of a priority and a message


class Syslog:
    """The driver."""

    def check(self, options: Mapping[str, str]) -> None:
        """Raises InvalidArgument in dockerd's words."""
        check_names(options, NAMES, "syslog log driver")
        if text := options.get("syslog-address"):
            address = parse_address(text)
            if address.network.startswith("unix") and not os.path.exists(address.host):
                raise InvalidArgument(f"stat {address.host}: no such file or directory")
        parse_facility(options.get("syslog-facility", ""))
        if options.get("syslog-format", "") not in FORMATS:
            raise InvalidArgument("Invalid syslog format")

    async def open(self, place: Place) -> Sink:
        """Raises SinkDown."""
        options = place.options
        facility = parse_facility(options.get("syslog-facility", ""))
        form = options.get("syslog-format", "")
        if not options.get("syslog-address"):
            return SyslogSink(await _open_local(), facility, formatter(form, place.tag))
        address = parse_address(options["syslog-address"])
        if address.network in ("udp", "unixgram"):
            outlet: Datagrams | Stream = await Datagrams.open(address)
            return SyslogSink(outlet, facility, formatter(form, place.tag))
        context = tls_context(options) if address.network == "tcp+tls" else None
        outlet = await Stream.open(address, context)
        is_counted = context is not None and form.startswith("rfc5424")  # RFC 5425, section 4.3
        return SyslogSink(outlet, facility, formatter(form, place.tag), is_counted=is_counted)


class SyslogSink:
    """One container's connection."""

    def __init__(
        self, outlet: Datagrams | Stream, facility: int, form: Format, *, is_counted: bool = False
    ) -> None:
        self._outlet = outlet
        self._facility = facility << 3
        self._format = form
        self._is_counted = is_counted
        self._splitter = Splitter()

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Raises SinkDown."""
        packets = []
        for message in self._splitter.feed(chunks):
            if message.part and not message.text:
                continue  # the end of a line whose parts have gone out
            severity = ERROR if message.stream == STDERR else INFORMATION
            packet = self._format(self._facility | severity, message) + b"\n"
            packets.append(b"%d %s" % (len(packet), packet) if self._is_counted else packet)
        if isinstance(self._outlet, Stream):
            await self._outlet.send(b"".join(packets))
        else:
            await self._outlet.send(packets)

    async def close(self) -> None:
        """Let the connection go."""
        await self._outlet.close()


def formatter(form: str, tag: str) -> Format:
    """How a message is written: https://www.rfc-editor.org/rfc/rfc5424 section 6, and RFC 3164."""
    name, process = tag.encode(), os.getpid()
    host = socket.gethostname().encode()

    def local(priority: int, message: Message) -> bytes:
        when = _month_day(message.time_ns)
        return b"<%d>%s %s[%d]: %s" % (priority, when, name, process, message.text)

    def rfc3164(priority: int, message: Message) -> bytes:
        when = _month_day(message.time_ns)
        return b"<%d>%s %s %s[%d]: %s" % (priority, when, host, name, process, message.text)

    def rfc5424(priority: int, message: Message) -> bytes:
        when = _rfc3339(message.time_ns, has_micro=form == "rfc5424micro")
        head = (priority, when, host, name, process, name)
        return b"<%d>1 %s %s %s %d %s - %s" % (*head, message.text)

    return {"": local, "rfc3164": rfc3164}.get(form, rfc5424)


def _month_day(time_ns: int) -> bytes:
    """`Jan  2 15:04:05`, local time."""
    moment = time.localtime(time_ns // 1_000_000_000)
    return time.strftime(f"%b {moment.tm_mday:2d} %H:%M:%S", moment).encode()


def _rfc3339(time_ns: int, *, has_micro: bool) -> bytes:
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    moment = time.localtime(seconds)
    fraction = f".{nanoseconds // 1000:06d}" if has_micro else ""
    zone = time.strftime("%z", moment)
    zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    return (time.strftime("%Y-%m-%dT%H:%M:%S", moment) + fraction + zone).encode()


def parse_address(text: str) -> Address:
    """`tcp://host:1514`, `unixgram:///dev/log`. Raises InvalidArgument."""
    url = addresses.parse(text)
    if url.scheme in ("unix", "unixgram"):
        return Address(url.scheme, url.path)
    if url.scheme not in NETWORKS:
        raise InvalidArgument(f"unsupported scheme: '{url.scheme}'")
    return Address(url.scheme, url.host or "127.0.0.1", url.port or DEFAULT_PORT)


def parse_facility(text: str) -> int:
    """A name, or its number. Raises InvalidArgument."""
    if not text:
        return DEFAULT_FACILITY
    if text in FACILITIES:
        return FACILITIES.index(text)
    if text.isascii() and text.isdigit() and int(text) < len(FACILITIES):
        return int(text)
    raise InvalidArgument("invalid syslog facility")


def tls_context(options: Mapping[str, str]) -> ssl.SSLContext:
    """Raises SinkDown when a file cannot be used: it may be mended while the container runs."""
    certificate, key = options.get("syslog-tls-cert"), options.get("syslog-tls-key")
    try:
        context = ssl.create_default_context(cafile=options.get("syslog-tls-ca-cert") or None)
        if certificate and key:
            context.load_cert_chain(certificate, key)
    except OSError as error:
        raise SinkDown(f"TLS files: {error}") from error
    if "syslog-tls-skip-verify" in options:  # whatever its value, as in dockerd
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _open_local() -> Datagrams | Stream:
    """The host's own syslog daemon."""
    problem = SinkDown("no syslog daemon")
    for path in LOCAL_SOCKETS:
        for network, kind in (("unixgram", Datagrams), ("unix", Stream)):
            try:
                opened: Datagrams | Stream = await kind.open(Address(network, path))
            except SinkDown as error:
                problem = error
            else:
                return opened
    raise SinkDown("Unix syslog delivery error") from problem


DRIVER = Syslog()
