"""What a keeper and its shift say to each other, over a SEQPACKET socket that only they have.

    shift --> keeper   "r" and a pid: wait for this child of yours; the answer is its wait status
    shift --> keeper   "z", facts as JSON, descriptors: sleep until the first of them, an epoll, is
                       ready, and then fork the next shift

The keeper does not read the facts: it keeps them for the next shift.
"""

from __future__ import annotations

from lading.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import TypedDict

    from lading.runtime.head import Head

    class Facts(TypedDict):
        """What a shift has to know: `pid` of init; of each connection the end of the log that its
        client knows, if it waits for more, and the segment that it holds; the state of the log."""

        head: Head
        pid: int
        connections: list[tuple[int | None, int]]
        log: list[int]


REAP = b"r"
SLEEP = b"z"


def reap(channel: _socket.socket, pid: int) -> int:
    """Have the keeper wait for its child; the wait status."""
    channel.send(b"%s%d" % (REAP, pid))
    return int(channel.recv(16))


def sleep(channel: _socket.socket, facts: Facts, fds: dict[str, int]) -> None:
    """Give everything away; `fds` begins with the epoll. The sender has to end now."""
    record = {**facts, "names": list(fds)}
    messages.send_raw(channel, SLEEP + messages.encode(record), list(fds.values()))


def wake(word: bytes, received: list[int]) -> tuple[Facts, dict[str, int]]:
    """The facts, and the descriptors by name."""
    record = messages.decode(word[1:])
    fds = dict(zip(record.pop("names"), received, strict=True))
    return record, fds  # type: ignore[return-value]
