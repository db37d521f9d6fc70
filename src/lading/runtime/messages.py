"""Messages between engine, spawner and monitors: one JSON object per SEQPACKET datagram.

Descriptors travel with a message as SCM_RIGHTS. `_socket` is used directly: `socket` would load
`selectors` and `enum` tables into every monitor.
"""

from __future__ import annotations

import _socket
import os

from lading.runtime import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = dict[str, Any]

MAX_DESCRIPTORS = 250  # the kernel's own limit is 253, SCM_MAX_FD
SEND_BUFFER = 4 << 20  # a spec with a large environment must fit in one datagram


def pair() -> tuple[_socket.socket, _socket.socket]:
    """Two connected ends, closed on exec."""
    return _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC)


def adopt(descriptor: int) -> _socket.socket:
    """A socket object over a descriptor that arrived in a message; it owns the descriptor."""
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, descriptor)


def allow_large(connection: _socket.socket) -> None:
    """Let datagrams be as long as the largest environment; only root may pass the limit."""
    try:
        so_sndbufforce = 32  # include/uapi/asm-generic/socket.h; not in the module
        connection.setsockopt(_socket.SOL_SOCKET, so_sndbufforce, SEND_BUFFER)
    except OSError:
        connection.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF, SEND_BUFFER)


def encode(message: Message) -> bytes:
    return json_text.encode(message).encode()


def send(
    connection: _socket.socket, message: Message, fds: list[int] | None = None, flags: int = 0
) -> None:
    """Send one message. Raises OSError: EPIPE when nobody is there, EAGAIN if told not to wait."""
    send_raw(connection, encode(message), fds, flags)


def send_raw(
    connection: _socket.socket, data: bytes, fds: list[int] | None = None, flags: int = 0
) -> None:
    ancillary = []
    if fds:
        packed = b"".join([fd.to_bytes(4, "little") for fd in fds])
        ancillary.append((_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed))
    connection.sendmsg([data], ancillary, flags | _socket.MSG_NOSIGNAL)


def send_quietly(descriptor: int, data: bytes) -> None:
    """Send to a connection that is only borrowed; whether anybody is there does not matter."""
    connection = adopt(os.dup(descriptor))
    try:
        send_raw(connection, data, None, _socket.MSG_DONTWAIT)
    except OSError:
        return
    finally:
        connection.close()


def decode(data: bytes) -> Message:
    """The object of a message. Raises ValueError."""
    message: Message = json_text.decode(data.decode())
    return message


def receive(connection: _socket.socket, flags: int = 0) -> tuple[Message | None, list[int]]:
    """The next message and its descriptors (close-on-exec); None when the other end is closed."""
    data, fds = receive_raw(connection, flags)
    if not data:
        return None, []
    try:
        return decode(data), fds
    except ValueError:
        for fd in fds:
            os.close(fd)
        return {}, []  # no verb: the receiver answers that it does not know it


def receive_raw(connection: _socket.socket, flags: int = 0) -> tuple[bytes, list[int]]:
    """The next datagram, undecoded; empty when the other end is closed."""
    peek = _socket.MSG_PEEK | _socket.MSG_TRUNC
    try:
        length = connection.recv_into(bytearray(1), 0, flags | peek)
    except ConnectionResetError:
        # it ended with something of ours unread; that is told once, then what it had said
        length = connection.recv_into(bytearray(1), 0, flags | peek)
    if length == 0:
        return b"", []
    space = _socket.CMSG_SPACE(4 * MAX_DESCRIPTORS)
    data, ancillary, _, _ = connection.recvmsg(length, space, flags | _socket.MSG_CMSG_CLOEXEC)
    return data, descriptors(ancillary)


def descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors that came with a datagram. man 7 unix, SCM_RIGHTS."""
    fds: list[int] = []
    for level, kind, packed in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            fds += [int.from_bytes(packed[i : i + 4], "little") for i in range(0, len(packed), 4)]
    return fds
