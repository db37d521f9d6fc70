"""What a starter hands to the monitor once the container runs, or has failed to.

One datagram: a mark, the facts as JSON, and the descriptors in the order of `names`. A monitor that
may sleep keeps it unread until something happens: reading would cost it memory for nothing.
"""

from __future__ import annotations

from lading.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from typing import TypedDict

    from lading.runtime.head import Head
    from lading.runtime.messages import Message

    class Facts(TypedDict):
        """`failure`: why the start failed; `pid`: of init, 0 when it was not even made;
        `warnings`: what was tolerated so far."""

        head: Head
        pid: int
        failure: Message | None
        warnings: list[str]
        names: list[str]


ASLEEP = b"z"  # nothing to do until one of the descriptors is ready; the first is an epoll of them
AWAKE = b"!"


def send(
    channel: _socket.socket,
    head: Head,
    *,
    pid: int,
    failure: Message | None,
    warnings: list[str],
    fds: dict[str, int],
    asleep: bool,
) -> None:
    """Give everything away; the sender closes its own copies by ending."""
    facts = {"head": head, "pid": pid, "failure": failure, "warnings": warnings}
    facts["names"] = list(fds)
    mark = ASLEEP if asleep else AWAKE
    messages.send_raw(channel, mark + messages.encode(facts), list(fds.values()))


def read(datagram: bytes, received: list[int]) -> tuple[Facts, dict[str, int]]:
    """The facts, and the descriptors by name."""
    facts: Facts = messages.decode(datagram[1:])  # type: ignore[assignment]
    return facts, dict(zip(facts["names"], received, strict=True))
