"""Descriptors that are handed to a socket which the caller named: terminal, pidfd, listener."""

from __future__ import annotations

import _socket
import os

from lading.runtime import messages


def send(path: str, data: bytes, fds: list[int]) -> None:
    """One message with the descriptors, to a listening AF_UNIX stream socket."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        connection.connect(path)
        messages.send_raw(connection, data, fds)
    finally:
        connection.close()


def give_console(path: str, master: int) -> None:
    """The terminal's master, whose name in the container is the data."""
    send(path, b"/dev/ptmx", [master])
    os.close(master)


def write_pid(path: str, pid: int) -> None:
    """The pid file, whole or not at all."""
    if not path:
        return
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    os.write(descriptor, str(pid).encode())
    os.close(descriptor)
    os.rename(temporary, path)
