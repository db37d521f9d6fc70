"""The journald driver: each line an entry of the journal of systemd, by its native protocol.

An entry is one datagram of NAME=value lines; a value that is not one line of text is written as its
name, its length in 8 bytes, and itself. What is too large for a datagram goes into a sealed memory
file whose descriptor is passed. https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
Names of fields are dockerd's: https://docs.docker.com/engine/logging/drivers/journald/
"""

import errno
import fcntl
import os
import re
import secrets
import socket
from collections.abc import Mapping, Sequence

from lading.logs.driver import COMMON, Chunk, Place, Sink, SinkDown, check_names
from lading.logs.drivers.addresses import Address
from lading.logs.drivers.outlets import Datagrams
from lading.logs.lines import format_time
from lading.logs.messages import Message, Splitter
from lading.names import short_id
from lading.runtime.segments import STDERR

SOCKET = "/run/systemd/journal/socket"
ERROR, INFORMATION = b"3", b"6"  # PRIORITY: severities of syslog(3)
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


class Journald:
    """The driver."""

    def check(self, options: Mapping[str, str]) -> None:
        """Raises InvalidArgument."""
        check_names(options, COMMON, "journald log driver")

    async def open(self, place: Place) -> Sink:
        """Raises SinkDown where no systemd runs."""
        try:
            outlet = await Datagrams.open(Address("unixgram", SOCKET))
        except SinkDown as error:
            raise SinkDown(f"journald is not enabled on this host: {error}") from error
        return JournalSink(outlet, fields_of(place))


class JournalSink:
    """One container's way to the journal."""

    def __init__(self, outlet: Datagrams, fixed: Mapping[str, str]) -> None:
        self._outlet = outlet
        self._fixed = b"".join(field(name, value.encode()) for name, value in fixed.items())
        self._fixed += field("CONTAINER_LOG_EPOCH", secrets.token_hex(32).encode())
        self._ordinal = 0  # with the epoch: no two entries have both alike
        self._splitter = Splitter()

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Raises SinkDown."""
        for message in self._splitter.feed(chunks):
            self._ordinal += 1
            entry = self._fixed + self._own(message)
            try:
                await self._outlet.send([entry])
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    raise
                self._pass_file(entry)

    def _own(self, message: Message) -> bytes:
        fields = [
            field("MESSAGE", message.text),
            field("PRIORITY", ERROR if message.stream == STDERR else INFORMATION),
            field("SYSLOG_TIMESTAMP", format_time(message.time_ns).encode()),
            field("CONTAINER_LOG_ORDINAL", b"%d" % self._ordinal),
        ]
        if part := message.part:
            if not part.is_last:
                fields.append(field("CONTAINER_PARTIAL_MESSAGE", b"true"))
            fields += [
                field("CONTAINER_PARTIAL_ID", part.id.encode()),
                field("CONTAINER_PARTIAL_ORDINAL", b"%d" % part.ordinal),
                field("CONTAINER_PARTIAL_LAST", b"true" if part.is_last else b"false"),
            ]
        return b"".join(fields)

    def _pass_file(self, entry: bytes) -> None:
        file = os.memfd_create("entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.write(file, entry)
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, SEALS)
            socket.send_fds(self._outlet.socket, [b""], [file])
        except OSError as error:
            raise SinkDown(error.strerror) from error
        finally:
            os.close(file)

    async def close(self) -> None:
        """Let the socket go."""
        await self._outlet.close()


def fields_of(place: Place) -> dict[str, str]:
    """What every entry of a container has."""
    source = place.source
    chosen = {journal_name(name): value for name, value in place.attributes.items()}
    return {
        **{name: value for name, value in chosen.items() if name},
        "CONTAINER_ID": short_id(source.id),
        "CONTAINER_ID_FULL": source.id,
        "CONTAINER_NAME": source.name,
        "CONTAINER_TAG": place.tag,
        "IMAGE_NAME": source.image_name,
        "SYSLOG_IDENTIFIER": place.tag,
    }


def journal_name(text: str) -> str:
    """A label's or variable's name as the journal takes it: capitals, digits and `_` inside."""
    return re.sub("[^A-Z0-9_]", "_", text.upper()).lstrip("_")


def field(name: str, value: bytes) -> bytes:
    """One field of an entry."""
    if b"\n" in value or not value.isascii():
        return b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
    return b"%s=%s\n" % (name.encode(), value)


DRIVER = Journald()
