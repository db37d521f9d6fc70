"""Where sockets of the host come from: made by us, or handed in by who is in the host's network.

An engine of a plain user lives in a network namespace of its own; see `lading.app.rootless.door`.
"""

import os
import socket
from collections.abc import Callable
from functools import partial

from lading.runtime import messages

Make = Callable[[int, int, int], socket.socket]  # family, kind, protocol


def maker(path: str) -> Make:
    """How sockets are made; `path` is the door's, "" where the host's network is ours."""
    return partial(_ask, path) if path else _make


def _make(family: int, kind: int, protocol: int) -> socket.socket:
    return socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol)


def _ask(path: str, family: int, kind: int, protocol: int) -> socket.socket:
    """Raises OSError: what the host says, or that nobody is at the door."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.connect(path)
        messages.send(door, {"family": family, "kind": kind, "protocol": protocol})
        answer, descriptors = messages.receive(door)
    if not descriptors:
        number = int(answer["errno"]) if answer and "errno" in answer else 5  # EIO
        raise OSError(number, os.strerror(number))
    return socket.socket(fileno=descriptors[0])
