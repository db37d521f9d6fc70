"""D-Bus, as much as it takes to ask systemd for something: one connection, calls, signals.

It speaks with systemd directly (`/run/systemd/private`), not through a bus: no names, no Hello.
Values are written by their signature: `s o g` texts, `y b u t` numbers, `v` a pair of signature and
value, `a` lists, `(...)` tuples. Specification: dbus.freedesktop.org, "D-Bus Specification".
"""

from __future__ import annotations

import _socket
import os
import struct
import time

from lading.errors import SystemFault

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from typing import Any

METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SIGNATURE = 1, 2, 3, 4, 5, 6, 8
ALIGNMENT = {"y": 1, "g": 1, "v": 1, "n": 2, "q": 2, "b": 4, "i": 4, "u": 4, "s": 4, "o": 4, "a": 4}
NUMBERS = {"y": "B", "n": "h", "q": "H", "b": "I", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d"}
MAX_MESSAGE = 1 << 20  # bytes; systemd's answers are small
TIMEOUT_S = 30.0  # as runc waits for a job


class DBusError(SystemFault):
    """{0}: {1}"""

    @property
    def name(self) -> str:
        return str(self.args[0])


class Message:
    """One message that came: its kind, header fields by number, and body."""

    __slots__ = ("body", "fields", "kind")

    def __init__(self, kind: int, fields: dict[int, Any], body: list[Any]) -> None:
        self.kind = kind
        self.fields = fields
        self.body = body


class Connection:
    """A connection to one peer; calls are answered in turn, signals wait until they are taken."""

    def __init__(self, address: str) -> None:
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        self._serial = 0
        self._signals: list[Message] = []
        try:
            self._socket.settimeout(TIMEOUT_S)
            self._socket.connect(address)
            self._authenticate()
        except BaseException:
            self._socket.close()
            raise

    def call(self, path: str, method: str, signature: str = "", *body: object) -> list[Any]:
        """Call `interface.Member` of the object at `path`. Raises DBusError, OSError."""
        interface, _, member = method.rpartition(".")
        self._serial += 1
        fields = [
            (PATH, ("o", path)),
            (INTERFACE, ("s", interface)),
            (MEMBER, ("s", member)),
            (DESTINATION, ("s", "org.freedesktop.systemd1")),
        ]
        if signature:
            fields.append((SIGNATURE, ("g", signature)))
        self._socket.sendall(message(METHOD_CALL, self._serial, fields, signature, body))
        while True:
            found = self._receive()
            if found.kind == SIGNAL:
                self._signals.append(found)
            elif found.fields.get(REPLY_SERIAL) == self._serial:
                if found.kind == ERROR:
                    raise DBusError(found.fields[ERROR_NAME], *(found.body or [""])[:1])
                return found.body

    def wait_signal(self, member: str, *, timeout_s: float = TIMEOUT_S) -> list[Any]:
        """The body of the next signal of that name. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while True:
            while self._signals:
                found = self._signals.pop(0)
                if found.fields.get(MEMBER) == member:
                    return found.body
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no signal {member}")
            self._socket.settimeout(left)
            found = self._receive()
            self._socket.settimeout(TIMEOUT_S)
            if found.kind == SIGNAL:
                self._signals.append(found)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _authenticate(self) -> None:
        """EXTERNAL: the kernel tells the peer who we are.

        BEGIN goes with it, as in systemd's own client: were it to reach systemd together with the
        first call, that call would be left unread until more comes.
        """
        identity = str(os.geteuid()).encode().hex().encode()
        self._socket.sendall(b"\0AUTH EXTERNAL " + identity + b"\r\nBEGIN\r\n")
        answer = b""
        while not answer.endswith(b"\r\n"):
            answer += self._exactly(1)
        if not answer.startswith(b"OK "):
            raise DBusError("org.freedesktop.DBus.Error.AuthFailed", answer.decode().strip())

    def _receive(self) -> Message:
        head = self._exactly(16)
        order = "<" if head[:1] == b"l" else ">"
        body_size, _, fields_size = struct.unpack(order + "III", head[4:])
        size = fields_size + -fields_size % 8 + body_size
        if size > MAX_MESSAGE:
            raise DBusError("org.freedesktop.DBus.Error.LimitsExceeded", f"{size} bytes")
        return parse(head + self._exactly(size))

    def _exactly(self, size: int) -> bytes:
        pieces = b""
        while len(pieces) < size:
            piece = self._socket.recv(size - len(pieces))
            if not piece:
                raise ConnectionResetError("the peer has closed the D-Bus connection")
            pieces += piece
        return pieces


def message(
    kind: int, serial: int, fields: list[Any], signature: str, body: tuple[object, ...]
) -> bytes:
    """A message in little endian."""
    content = bytearray()
    for each, value in zip(split(signature), body, strict=True):
        write(content, each, value)
    head = bytearray(struct.pack("<cBBBII", b"l", kind, 0, 1, len(content), serial))
    write(head, "a(yv)", fields)
    head += bytes(-len(head) % 8)
    return bytes(head + content)


def parse(data: bytes) -> Message:
    """A whole message."""
    reader = Reader(data, "<" if data[:1] == b"l" else ">")
    reader.at = 12
    fields = {number: value for number, (_, value) in reader.read("a(yv)")}
    reader.align(8)
    body = [reader.read(each) for each in split(fields.get(SIGNATURE, ""))]
    return Message(data[1], fields, body)


def split(signature: str) -> list[str]:
    """`sa(sv)u` as its complete types: s, a(sv), u."""
    found, rest = [], signature
    while rest:
        size = _length(rest)
        found.append(rest[:size])
        rest = rest[size:]
    return found


def _length(signature: str) -> int:
    if signature[0] == "a":
        return 1 + _length(signature[1:])
    if signature[0] not in "({":
        return 1
    depth = 0
    for index, letter in enumerate(signature):
        depth += (letter in "({") - (letter in ")}")
        if depth == 0:
            return index + 1
    raise ValueError(f"bad signature: {signature}")


def _alignment(kind: str) -> int:
    return ALIGNMENT.get(kind[0], 8)


def write(out: bytearray, kind: str, value: Any) -> None:
    """Append a value of one complete type."""
    out += bytes(-len(out) % _alignment(kind))
    if kind in NUMBERS:
        out += struct.pack("<" + NUMBERS[kind], value)
    elif kind in "so":
        encoded = value.encode()
        out += struct.pack("<I", len(encoded)) + encoded + b"\0"
    elif kind == "g":
        out += bytes([len(value)]) + value.encode() + b"\0"
    elif kind == "v":
        write(out, "g", value[0])
        write(out, value[0], value[1])
    elif kind[0] == "a":
        at = len(out)
        out += bytes(4)
        out += bytes(-len(out) % _alignment(kind[1:]))
        start = len(out)
        for each in value:
            write(out, kind[1:], each)
        struct.pack_into("<I", out, at, len(out) - start)
    else:
        for each, part in zip(split(kind[1:-1]), value, strict=True):
            write(out, each, part)


class Reader:
    """Takes values out of a message."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._order = order
        self.at = 0

    def align(self, size: int) -> None:
        self.at += -self.at % size

    def read(self, kind: str) -> Any:
        """A value of one complete type; a variant is (signature, value)."""
        self.align(_alignment(kind))
        if kind in NUMBERS:
            return self._number(NUMBERS[kind])
        if kind in "so":
            return self._text(self._number("I"))
        if kind == "g":
            return self._text(self._number("B"))
        if kind == "v":
            inner = self.read("g")
            return inner, self.read(inner)
        if kind[0] == "a":
            size = self._number("I")
            self.align(_alignment(kind[1:]))
            end = self.at + size
            found = []
            while self.at < end:
                found.append(self.read(kind[1:]))
            return found
        return tuple(self.read(each) for each in split(kind[1:-1]))

    def _number(self, code: str) -> Any:
        [value] = struct.unpack_from(self._order + code, self._data, self.at)
        self.at += struct.calcsize(code)
        return value

    def _text(self, size: int) -> str:
        text = self._data[self.at : self.at + size].decode()
        self.at += size + 1
        return text
