"""The other ends of log drivers that are threads of ours: GELF and the forward protocol."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import socket
import threading
import zlib
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]
from tests.contract.logs.lines import joined, until_enough

from lading.runtime.segments import STDERR, STDOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.logs.lines import Line


class _Server:
    """A receiver that is a thread of ours; a subclass reads one connection or datagram."""

    def __init__(self, network: str) -> None:
        kind = socket.SOCK_DGRAM if network == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        if kind == socket.SOCK_STREAM:
            self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._is_over = False
        self.received: list[Line] = []

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, self._socket.type) as end:
            end.connect(("127.0.0.1", self.port))
            end.send(b"")
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        if self._socket.type == socket.SOCK_DGRAM:
            while data := self._socket.recv(65536):
                self.take(data)
            return
        while not self._is_over:
            connection, _ = self._socket.accept()
            with connection:
                self.read(connection)

    def take(self, data: bytes) -> None:
        raise NotImplementedError

    def read(self, connection: socket.socket) -> None:
        raise NotImplementedError

    def lines(self, count: int) -> list[Line]:
        return until_enough(lambda: joined(self.received), count)


class Gelf(_Server):
    """Documents by udp or tcp."""

    driver = "gelf"
    carries_empty = False  # a document must have a message
    carries_control = True

    def __init__(self, directory: Path, network: str, compression: str = "") -> None:
        super().__init__(network)
        self._parts: dict[bytes, dict[int, bytes]] = {}
        self.documents: list[dict[str, Any]] = []
        self.options = {"gelf-address": f"{network}://127.0.0.1:{self.port}"}
        if compression:
            self.options["gelf-compression-type"] = compression

    def __enter__(self) -> Gelf:
        self._thread.start()
        return self

    def take(self, data: bytes) -> None:
        if data[:2] == b"\x1e\x0f":
            parts = self._parts.setdefault(data[2:10], {})
            parts[data[10]] = data[12:]
            if len(parts) < data[11]:
                return
            data = b"".join(parts[number] for number in range(data[11]))
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:1] == b"\x78":
            data = zlib.decompress(data)
        document = json.loads(data)
        assert document["version"] == "1.1"
        self.documents.append(document)
        stream = STDERR if document["level"] == 3 else STDOUT
        self.received.append((stream, document["short_message"].encode()))

    def read(self, connection: socket.socket) -> None:
        rest = b""
        while data := connection.recv(65536):
            *whole, rest = (rest + data).split(b"\0")
            for document in whole:
                self.take(document)


class Forward(_Server):
    """The forward protocol, as fluentd answers it."""

    driver = "fluentd"
    carries_empty = carries_control = True

    def __init__(self, directory: Path, **options: str) -> None:
        super().__init__("tcp")
        self.records: list[dict[str, Any]] = []
        self.options = {"fluentd-address": f"127.0.0.1:{self.port}"}
        self.options |= {f"fluentd-{name.replace('_', '-')}": v for name, v in options.items()}

    def __enter__(self) -> Forward:
        self._thread.start()
        return self

    def read(self, connection: socket.socket) -> None:
        arrived = msgpack.Unpacker()  # which knows where one message ends and the next begins
        while data := connection.recv(1 << 20):
            arrived.feed(data)
            for tag, entries, *options in arrived:
                assert tag == "a" * 12
                self._take(entries)
                if options:
                    assert base64.b64decode(options[0]["chunk"])
                    connection.sendall(msgpack.packb({"ack": options[0]["chunk"]}))

    def _take(self, entries: list[tuple[object, dict[str, Any]]]) -> None:
        for _moment, record in entries:
            self.records.append(record)
            stream = STDERR if record["source"] == "stderr" else STDOUT
            self.received.append((stream, record["log"].encode()))
